package media

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// decodeFile decodes the JSON file of that name, and refuses fields that into does not
// have. The error gives the line, for the person who edits the file.
func decodeFile(name string, data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil && decoder.More() {
		return fmt.Errorf("%s:%d: text after the end of the JSON", name, lineAt(data, decoder.InputOffset()+1))
	}
	if err == nil {
		return nil
	}
	offset := int64(len(data))
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &mismatch):
		return fmt.Errorf("%s:%d: %s: want %s, not %s", name, lineAt(data, mismatch.Offset), mismatch.Field, typeName(mismatch.Type), mismatch.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
	default: // encoding/json has no type for an unknown field
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			offset = int64(bytes.Index(data, []byte(field)) + 1)
		}
	}
	return fmt.Errorf("%s:%d: %w", name, lineAt(data, offset), err)
}

// typeName is what JSON calls the values that a Go type takes.
func typeName(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a string"
	default:
		return "an object"
	}
}

// lineAt is the line of the byte before the offset, from 1.
func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:max(0, offset-1)], []byte("\n"))
}

// prefixed returns the errors that err joins, each with a prefix.
func prefixed(prefix string, err error) (all []error) {
	if err == nil {
		return nil
	}
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for _, err := range list {
		all = append(all, fmt.Errorf("%s: %w", prefix, err))
	}
	return all
}
