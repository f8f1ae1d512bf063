package notify

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// service answers requests of AWS's JSON protocol by their operation, and counts them.
func service(t *testing.T, answer func(operation string, request []byte) string) (aws.Config, *int) {
	t.Helper()
	requests := new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*requests++
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		fmt.Fprint(w, answer(r.Header.Get("X-Amz-Target"), body))
	}))
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}, requests
}

func TestPostponedMessageIsHiddenInItsQueue(t *testing.T) {
	var got struct {
		QueueURL          string `json:"QueueUrl"`
		ReceiptHandle     string
		VisibilityTimeout int
	}
	account, _ := service(t, func(operation string, request []byte) string {
		if err := json.Unmarshal(request, &got); err != nil || operation != "AmazonSQS.ChangeMessageVisibility" {
			t.Errorf("%s: %s, %v", operation, request, err)
		}
		return "{}"
	})
	queue := SQS{Client: sqs.NewFromConfig(account), URL: "https://sqs.example/1/webhooks"}
	if err := queue.ChangeVisibility(t.Context(), "receipt", 90*time.Second); err != nil {
		t.Fatal(err)
	}
	if got.QueueURL != queue.URL || got.ReceiptHandle != "receipt" || got.VisibilityTimeout != 90 {
		t.Errorf("got %+v", got)
	}
}

func TestSecretsAreReadDecryptedAndOnce(t *testing.T) {
	value := ""
	account, requests := service(t, func(operation string, request []byte) string {
		if operation != "AmazonSSM.GetParameter" || string(request) != `{"Name":"/presize/dev/webhook-secret","WithDecryption":true}` {
			t.Errorf("%s: %s", operation, request)
		}
		return `{"Parameter":{"Value":"` + value + `"}}`
	})
	secrets := SSMSecrets(ssm.NewFromConfig(account), "/presize/dev/webhook-secret")
	if got, err := secrets(t.Context()); err == nil {
		t.Errorf("empty: %q", got)
	}
	value = testSecret + " " + nextSecret
	for range 2 {
		if got, err := secrets(t.Context()); err != nil || len(got) != 2 {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if *requests != 2 {
		t.Errorf("%d requests, want one that failed and one that is kept", *requests)
	}
}
