package media

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Rules say what an original must be to be accepted for a preset, beyond the
// [Limits] of the service. The zero value accepts what the service accepts.
type Rules struct {
	Accept    []Format `json:"accept,omitempty"`    // all formats where empty
	MaxBytes  int64    `json:"maxBytes,omitempty"`  // no limit of its own where 0
	MinWidth  int      `json:"minWidth,omitempty"`  // pixels of the upright image
	MinHeight int      `json:"minHeight,omitempty"` // pixels of the upright image
}

// Formats lists the formats that the rules accept.
func (r Rules) Formats() []Format {
	if len(r.Accept) == 0 {
		return Accepted()
	}
	return r.Accept
}

// Accepts reports whether the rules accept a format, or one that is
// [Format.Compatible] with it.
func (r Rules) Accepts(format Format) bool {
	return slices.ContainsFunc(r.Formats(), func(accepted Format) bool { return accepted.Compatible(format) })
}

// Within returns the limits of a service, narrowed by the rules.
func (r Rules) Within(limits Limits) Limits {
	if r.MaxBytes > 0 {
		limits.Bytes = min(limits.Bytes, r.MaxBytes)
	}
	return limits
}

// Check rejects an original by its true format and the extent of the upright image.
func (r Rules) Check(format Format, upright Extent) error {
	switch {
	case !r.Accepts(format):
		return Reject(TypeMismatch, "The file is %s, and only %s is accepted here.", format.Name(), names(r.Accept))
	case upright.Width < r.MinWidth || upright.Height < r.MinHeight:
		return Reject(TooSmall, "The image has %d x %d pixels; at least %d x %d are needed here.",
			upright.Width, upright.Height, max(1, r.MinWidth), max(1, r.MinHeight))
	}
	return nil
}

// names lists formats for a sentence.
func names(formats []Format) string {
	var all []string
	for _, format := range formats {
		all = append(all, format.Name())
	}
	if last := len(all) - 1; last > 0 {
		return strings.Join(all[:last], ", ") + " or " + all[last]
	}
	return strings.Join(all, "")
}

// check returns what is wrong with the rules themselves, as a preset has them.
func (r Rules) check() (problems []error) {
	for i, format := range r.Accept {
		if !slices.Contains(Accepted(), format) {
			problems = append(problems, fmt.Errorf("accept: no original can be %q", format))
		}
		if slices.Contains(r.Accept[:i], format) {
			problems = append(problems, fmt.Errorf("accept: %q listed twice", format))
		}
	}
	if r.MaxBytes < 0 || r.MinWidth < 0 || r.MinHeight < 0 {
		problems = append(problems, errors.New("maxBytes, minWidth, minHeight: want no negative number"))
	}
	return problems
}
