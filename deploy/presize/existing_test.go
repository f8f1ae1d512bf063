package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

func TestWhatTheStageNeedsBesideTheStackIsLookedFor(t *testing.T) {
	const inspector = "arn:aws:lambda:eu-central-1:123456789012:function:a"
	webhooks, inspects := []string{"webhookUrl=https://a.example/"}, []string{"inspectorArn=" + inspector}
	good := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, test := range map[string]struct {
		set      []string
		secret   string // "" for none
		function int    // the status of the answer
		limits   [2]int // of the account: all, and those that nobody has reserved
		reserved int    // by the API
		want     []string
		warnings int
	}{
		"nothing needed":       {},
		"secret":               {set: webhooks, secret: good},
		"two secrets":          {set: webhooks, secret: good + " " + good},
		"no secret":            {set: webhooks, want: []string{"webhookUrl needs a secret", "aws ssm put-parameter --type SecureString --name /presize/prod/webhook-secret "}},
		"something else":       {set: webhooks, secret: "hunter2", want: []string{"has no secret", "want whsec_"}},
		"function":             {set: inspects, function: http.StatusOK},
		"no function":          {set: inspects, function: http.StatusNotFound, want: []string{"there is no function " + inspector}},
		"function of somebody": {set: inspects, function: http.StatusForbidden, warnings: 1},
		"concurrency":          {set: []string{"apiConcurrency=900"}, limits: [2]int{1000, 1000}},
		"too much concurrency": {set: []string{"apiConcurrency=901"}, limits: [2]int{1000, 1000}, want: []string{"apiConcurrency: 901 can't be reserved, only 900"}},
		"of others":            {set: []string{"apiConcurrency=501"}, limits: [2]int{1000, 600}, want: []string{"only 500"}},
		"its own":              {set: []string{"apiConcurrency=501"}, limits: [2]int{1000, 600}, reserved: 1},
		"a new account":        {set: []string{"apiConcurrency=1"}, limits: [2]int{10, 10}, want: []string{"only 0", "Lambda keeps 10 of them"}},
		"a stopped API":        {set: []string{"apiConcurrency=0"}, limits: [2]int{10, 10}},
		"neither":              {set: append(webhooks, inspects...), function: http.StatusNotFound, want: []string{"webhookUrl needs", "there is no function"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Header.Get("X-Amz-Target") == "AmazonSSM.GetParameter" && test.secret != "":
					fmt.Fprintf(w, `{"Parameter":{"Value":%q}}`, test.secret)
				case r.Header.Get("X-Amz-Target") == "AmazonSSM.GetParameter":
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprint(w, `{"__type":"ParameterNotFound"}`)
				case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/functions/"+inspector+"/configuration"):
					code := map[int]string{http.StatusNotFound: "ResourceNotFoundException", http.StatusForbidden: "AccessDeniedException"}[test.function]
					w.Header().Set("X-Amzn-Errortype", code)
					w.WriteHeader(test.function)
					fmt.Fprint(w, "{}")
				case strings.HasSuffix(strings.TrimSuffix(r.URL.Path, "/"), "/account-settings"):
					fmt.Fprintf(w, `{"AccountLimit":{"ConcurrentExecutions":%d,"UnreservedConcurrentExecutions":%d}}`, test.limits[0], test.limits[1])
				case strings.HasSuffix(r.URL.Path, "/functions/presize-prod-api/concurrency") && test.reserved == 0:
					w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
					w.WriteHeader(http.StatusNotFound)
					fmt.Fprint(w, "{}")
				case strings.HasSuffix(r.URL.Path, "/functions/presize-prod-api/concurrency"):
					fmt.Fprintf(w, `{"ReservedConcurrentExecutions":%d}`, test.reserved)
				default:
					t.Errorf("%s %s %s", r.Method, r.URL.Path, r.Header.Get("X-Amz-Target"))
				}
			}))
			t.Cleanup(server.Close)
			account := aws.Config{
				Region: "eu-central-1", BaseEndpoint: &server.URL,
				Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
			}
			c := &call{system: system{checkout: os.DirFS("../..")}, stage: "prod"}
			warnings, err := checkExisting(t.Context(), account, c, test.set)
			if (err != nil) != (test.want != nil) || len(warnings) != test.warnings {
				t.Fatalf("got %v, warnings %q", err, warnings)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("it does not say %q: %v", want, err)
				}
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("it shows the secret: %v", err)
			}
		})
	}
}
