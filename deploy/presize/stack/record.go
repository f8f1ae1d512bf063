package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Record is what a stack was deployed with.
type Record struct {
	// Parameters are those of serverless.yml.
	Parameters map[string]string
	// Defaults are what their defaults were. A parameter without a default is not in it.
	Defaults map[string]string
}

// Record returns what the stack was deployed with. The metadata of its template have it
// (deploy/template/record.yml). The parameters of CloudFormation come first, because a
// stack that is made of the packaged template has the package's values in its metadata.
// The record of a stack that an import has made is empty. The error for a stack that
// does not exist is [ErrNone].
func (s Stack) Record(ctx context.Context) (Record, error) {
	stack, err := s.describe(ctx)
	if err != nil {
		return Record{}, err
	}
	text, err := s.Template(ctx)
	if err != nil {
		return Record{}, err
	}
	var template struct {
		Metadata struct {
			Presize struct {
				Parameters map[string]any `json:"parameters"`
				Defaults   map[string]any `json:"defaults"`
			} `json:"presize"`
		}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&template); err != nil {
		return Record{}, fmt.Errorf("read the template of %s: %w", s.Name, err)
	}
	record := Record{Parameters: texts(template.Metadata.Presize.Parameters), Defaults: texts(template.Metadata.Presize.Defaults)}
	for _, parameter := range stack.Parameters {
		name := aws.ToString(parameter.ParameterKey)
		record.Parameters[strings.ToLower(name[:1])+name[1:]] = aws.ToString(parameter.ParameterValue)
	}
	return record, nil
}

// LastRecord returns the record of the newest stack of this name that has one, even if
// that stack has been removed. CloudFormation remembers those for 90 days. After that,
// the record is empty.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
func (s Stack) LastRecord(ctx context.Context) (Record, error) {
	record, err := s.Record(ctx)
	if err != nil && !errors.Is(err, ErrNone) || len(record.Parameters) > 0 {
		return record, err
	}
	all, err := s.all(ctx)
	if err != nil {
		return Record{}, err
	}
	all = slices.DeleteFunc(all, func(stack types.StackSummary) bool { return stack.StackStatus != types.StackStatusDeleteComplete })
	slices.SortFunc(all, func(a, b types.StackSummary) int {
		return aws.ToTime(b.CreationTime).Compare(aws.ToTime(a.CreationTime))
	})
	for _, removed := range all {
		record, err := Stack{Client: s.Client, Name: aws.ToString(removed.StackId)}.Record(ctx)
		if err != nil || len(record.Parameters) > 0 {
			return record, err
		}
	}
	return Record{}, nil
}

// Template returns the stack's template as JSON.
func (s Stack) Template(ctx context.Context) (string, error) {
	out, err := s.Client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &s.Name})
	if err != nil {
		return "", fmt.Errorf("get the template of %s: %w", s.Name, err)
	}
	return aws.ToString(out.TemplateBody), nil
}

// texts returns numbers and texts as text.
func texts(values map[string]any) map[string]string {
	texts := make(map[string]string)
	for name, value := range values {
		texts[name] = fmt.Sprint(value)
	}
	return texts
}
