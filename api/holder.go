package api

import (
	"context"
	"net/http"

	"github.com/presize/presize/internal/media"
)

// secretHeader carries the secret of the upload that a request is about.
const secretHeader = "Upload-Secret"

type subjectKey struct{}

// WithSubject adds the subject of a request's token: the claim sub of a token that the
// front door has checked. No header of a request can set it.
func WithSubject(ctx context.Context, subject string) context.Context {
	return context.WithValue(ctx, subjectKey{}, subject)
}

// sender is what a request proves about who sent it.
type sender struct {
	secret   media.Secret // the zero value if there is none, or no valid one
	subject  string       // of the token
	signedIn bool         // there was a token
}

func senderOf(r *http.Request) sender {
	secret, _ := media.ParseSecret(r.Header.Get(secretHeader)) // the zero value opens nothing
	subject, signedIn := r.Context().Value(subjectKey{}).(string)
	return sender{secret, subject, signedIn}
}

// holds reports whether the sender owns an upload: with the upload's secret, or with
// the token of its owner. An owner of "" is nobody.
func (s sender) holds(id media.ID, owner string) bool {
	return s.secret.Opens(id) || owner != "" && s.subject == owner
}

// owner returns the owner of the sender's uploads, or "" without sign-in.
func (s sender) owner() (string, error) {
	if s.signedIn && (s.subject == "" || len(s.subject) > media.MaxOwner) {
		return "", forbidden.problem("The token names no subject that can own an upload.")
	}
	return s.subject, nil
}
