package media

import "fmt"

// Code says why a file was rejected. Codes are part of the contract: clients
// switch on them.
type Code string

// The reasons to reject a file. Each is the file's own fault and final: the same bytes
// would be rejected again.
const (
	Empty           Code = "empty"            // no bytes
	UnsupportedType Code = "unsupported-type" // not one of the accepted formats
	TypeMismatch    Code = "type-mismatch"    // not the format that was declared
	Corrupt         Code = "corrupt"          // of an accepted format, but broken
	Truncated       Code = "truncated"        // the end is missing
	TooManyBytes    Code = "too-many-bytes"   // beyond Limits.Bytes
	TooManyPixels   Code = "too-many-pixels"  // beyond Limits.Pixels
	TooManyFrames   Code = "too-many-frames"  // beyond Limits.Frames
	TooSmall        Code = "too-small"        // below what the preset needs
	Refused         Code = "refused"          // by the app, which was asked before anything was published
)

// MaxDetail is the length of the detail of a rejection that the app gives, in characters.
const MaxDetail = 500

// Codes lists the reasons that are in the file alone, as the renderer finds them. The
// others come from a preset's rules (TooSmall) and from the app (Refused).
func Codes() []Code {
	return []Code{Empty, UnsupportedType, TypeMismatch, Corrupt, Truncated, TooManyBytes, TooManyPixels, TooManyFrames}
}

// Rejection is a permanent refusal of a file. It is an error on its way through
// the worker and a part of the manifest for the client.
type Rejection struct {
	Code   Code   `json:"code"`
	Detail string `json:"detail"` // a sentence for the person who uploaded the file

	// Cause is what the decoder has said, for the log. It is not published.
	Cause string `json:"-"`
}

// Reject returns a Rejection whose detail is formatted as by fmt.Sprintf.
func Reject(code Code, format string, args ...any) *Rejection {
	return &Rejection{Code: code, Detail: fmt.Sprintf(format, args...)}
}

func (r *Rejection) Error() string { return "rejected as " + string(r.Code) + ": " + r.Detail }
