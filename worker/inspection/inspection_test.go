package inspection

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/presize/presize/internal/media"
)

func upload() Upload {
	return Upload{
		ID: media.NewID(), Preset: "photo", Owner: "someone", Reference: "listing 17",
		Original: media.Original{ContentType: media.JPEG, Bytes: 9, Width: 4, Height: 3},
		Bucket:   "in", Key: "originals/x", Image: []byte("\xff\xd8jpeg"),
	}
}

const arn = "arn:aws:lambda:eu-central-1:123456789012:function:inspect"

// ask asks with each of the two ways, and returns both errors and both questions. The
// function error is Lambda's header for functions that have failed.
func ask(t *testing.T, status int, functionError, answer string) (errs []error, questions []Upload) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question Upload
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			t.Error(err)
		}
		questions = append(questions, question)
		if functionError != "" {
			w.Header().Set("X-Amz-Function-Error", functionError)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	byLambda := Lambda{ARN: arn, Client: lambda.New(lambda.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})}
	u := upload()
	errs = append(errs, byLambda.Inspect(t.Context(), u), HTTP{server.Client(), server.URL}.Inspect(t.Context(), u))
	for _, question := range questions {
		u.ID = question.ID
		if !reflect.DeepEqual(question, u) {
			t.Errorf("asked %+v, want %+v", question, u)
		}
	}
	return errs, questions
}

func TestAcceptIsTheOnlyAnswerThatAccepts(t *testing.T) {
	for answer, want := range map[string]bool{
		`{"verdict":"accept"}`:                true,
		`{"verdict":"accept","confidence":1}`: true,
		`{"verdict":"Accept"}`:                false,
		`{"Verdict":"accept"}`:                false,
		`{"verdict":true}`:                    false,
		`{}`:                                  false,
		``:                                    false,
		`null`:                                false,
		`"accept"`:                            false,
		`{"verdict":"accept"} `:               true,
		`{"verdict":"accept"}` + strings.Repeat(" ", maxAnswer): false,
	} {
		errs, _ := ask(t, http.StatusOK, "", answer)
		for _, err := range errs {
			if (err == nil) != want || errors.As(err, new(*media.Rejection)) {
				t.Errorf("%.40s: %v", answer, err)
			}
		}
	}
	for status, functionError := range map[int]string{http.StatusOK: "Unhandled", http.StatusInternalServerError: "", http.StatusTooManyRequests: ""} {
		errs, _ := ask(t, status, functionError, `{"verdict":"accept"}`)
		if functionError != "" {
			errs = errs[:1] // HTTP knows no function error
		}
		for _, err := range errs {
			if err == nil {
				t.Errorf("%d %s: no error", status, functionError)
			}
		}
	}
}

func TestRejectSaysWhy(t *testing.T) {
	for detail, want := range map[string]string{
		"Only cats, please.":     "Only cats, please.",
		"":                       "The image was refused.",
		strings.Repeat("ä", 600): strings.Repeat("ä", media.MaxDetail),
		"100%s":                  "100%s",
	} {
		answer, err := json.Marshal(map[string]string{"verdict": "reject", "detail": detail})
		if err != nil {
			t.Fatal(err)
		}
		errs, _ := ask(t, http.StatusOK, "", string(answer))
		for _, err := range errs {
			var rejection *media.Rejection
			if !errors.As(err, &rejection) || rejection.Code != media.Refused || rejection.Detail != want {
				t.Errorf("%.20s: %v", detail, err)
			}
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"verdict":"accept"}`))
	f.Add([]byte(`{"verdict":"reject","detail":"\ud800"}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if err := parse(answer); err == nil && !strings.Contains(strings.ToLower(string(answer)), "verdict") {
			t.Errorf("%q accepts", answer)
		}
	})
}
