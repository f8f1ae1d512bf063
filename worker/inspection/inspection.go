// Package inspection asks the app whether an upload may be published. It knows the two
// documents, and two ways to ask: a Lambda function, and HTTP.
package inspection

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/presize/presize/internal/media"
)

const (
	// Timeout is how long the app may think.
	Timeout = 10 * time.Second
	// MaxImage is the largest image in a question, in bytes. As base64 it fits into the
	// 6 MB that Lambda takes. A larger one is left out.
	MaxImage = 4 << 20
	// maxAnswer is far more than any answer has, in bytes.
	maxAnswer = 64 << 10
)

// Upload is the question.
type Upload struct {
	ID        media.ID       `json:"id"`
	Preset    string         `json:"preset"`
	Owner     string         `json:"owner"`
	Reference string         `json:"reference"`
	Original  media.Original `json:"original"` // what was probed
	Bucket    string         `json:"bucket"`   // of the original
	Key       string         `json:"key"`
	// Image is a JPEG of the upload, base64 in JSON. It is null if it is larger than MaxImage.
	Image []byte `json:"image"`
}

// Lambda asks a Lambda function. It needs the IAM action lambda:InvokeFunction on it.
type Lambda struct {
	Client *lambda.Client
	ARN    string
}

// Inspect returns nil if the app accepts the upload, and a *media.Rejection if it refuses
// it. Any other error says that there is no answer, or none that can be understood.
func (l Lambda) Inspect(ctx context.Context, upload Upload) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	question, err := json.Marshal(upload)
	if err != nil {
		return err
	}
	answer, err := l.Client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &l.ARN, Payload: question})
	if err != nil {
		return fmt.Errorf("ask the inspector: %w", err)
	}
	if answer.FunctionError != nil {
		return fmt.Errorf("ask the inspector: the function has failed: %s", aws.ToString(answer.FunctionError))
	}
	return parse(answer.Payload)
}

// HTTP asks by POST.
type HTTP struct {
	Client *http.Client
	URL    string
}

// Inspect is [Lambda.Inspect] by HTTP. The answer has the status 200.
func (h HTTP) Inspect(ctx context.Context, upload Upload) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	question, err := json.Marshal(upload)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(question))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := h.Client.Do(request)
	if err != nil {
		return fmt.Errorf("ask the inspector: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the inspector: it answers %s", response.Status)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("ask the inspector: %w", err)
	}
	return parse(answer)
}

// parse reads an answer. What it does not understand is never an accept.
func parse(answer []byte) error {
	var fields map[string]any // a struct would take "Verdict" for "verdict"
	if len(answer) > maxAnswer {
		return errors.New("the inspector's answer is too long")
	}
	if err := json.Unmarshal(answer, &fields); err != nil {
		return fmt.Errorf("read the inspector's answer: %w", err)
	}
	verdict, _ := fields["verdict"].(string)
	switch verdict {
	case "accept":
		return nil
	case "reject":
		text, _ := fields["detail"].(string)
		detail := []rune(text)
		if len(detail) == 0 {
			detail = []rune("The image was refused.")
		}
		return media.Reject(media.Refused, "%s", string(detail[:min(len(detail), media.MaxDetail)]))
	default:
		return fmt.Errorf("the inspector's verdict is %.20q, want accept or reject", verdict)
	}
}
