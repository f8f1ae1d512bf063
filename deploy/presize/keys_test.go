package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stack/stacktest"
	"github.com/presize/presize/internal/origin"
)

// parameterStore answers GetParameter, PutParameter and DeleteParameter of SSM.
type parameterStore struct {
	t        *testing.T
	values   map[string]string
	versions map[string]int
	made     map[string]time.Time
	now      time.Time
}

func newParameterStore(t *testing.T, now time.Time) *parameterStore {
	return &parameterStore{t, make(map[string]string), make(map[string]int), make(map[string]time.Time), now}
}

func (p *parameterStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name, Type, Value         string
		WithDecryption, Overwrite bool
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		p.t.Error(err)
	}
	_, there := p.values[in.Name]
	out := map[string]any{}
	switch action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSSM."); {
	case action == "PutParameter" && !there && in.Type == kindOf(in.Name) && !in.Overwrite:
		p.values[in.Name], p.made[in.Name] = in.Value, p.now
		p.versions[in.Name] = 1
		out["Version"] = 1
	case action == "GetParameter" && there && in.WithDecryption == (kindOf(in.Name) == "SecureString"):
		out["Parameter"] = map[string]any{"Name": in.Name, "Value": p.values[in.Name],
			"Version": p.versions[in.Name], "LastModifiedDate": p.made[in.Name].Unix()}
	case action == "DeleteParameter" && there:
		delete(p.values, in.Name)
	case action == "GetParameter" && !there:
		w.WriteHeader(http.StatusBadRequest)
		out["__type"] = "ParameterNotFound"
	default:
		p.t.Errorf("%s of %s", action, in.Name)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		p.t.Error(err)
	}
}

// kindOf returns the type of a parameter: CloudFormation can only read a String.
func kindOf(name string) string {
	if strings.Contains(name, "/origin-secret-") {
		return "String"
	}
	return "SecureString"
}

// deploy prepares the keys at a time, as make deploy does with the stack of before, and
// returns the parameters of the deployment.
func (p *parameterStore) deploy(before map[string]string, since time.Time, rotate bool) (map[string]string, string, error) {
	p.t.Helper()
	server := httptest.NewServer(p)
	defer server.Close()
	k := keyring{
		client: ssm.New(ssm.Options{Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")}),
		prefix: "/presize/dev/signing-key-",

		origins: "/presize/dev/origin-secret-",
	}
	var stacks []stacktest.Stack
	if before != nil {
		s := stacktest.Stack{ID: "1", Name: "presize-dev", Status: "UPDATE_COMPLETE", Updated: since.UTC().Format(time.RFC3339)}
		for name, value := range before {
			s.Parameters = append(s.Parameters, stacktest.Parameter{Name: strings.ToUpper(name[:1]) + name[1:], Value: value})
		}
		stacks = append(stacks, s)
	}
	k.stack = stack.Stack{Client: stacktest.Start(p.t, stacks...).Client(), Name: "presize-dev"}
	var notes strings.Builder
	prepared, err := k.prepare(p.t.Context(), rotate, p.now, &notes)
	parameters := make(map[string]string)
	for _, parameter := range prepared {
		if parameter.value == "" || strings.ContainsAny(parameter.value, " \n") {
			p.t.Errorf("not one argument for osls: %q", parameter)
		}
		parameters[parameter.name] = parameter.value
	}
	if text := fmt.Sprint(prepared) + notes.String() + fmt.Sprint(err); strings.Contains(text, "PRIVATE") {
		p.t.Errorf("the private key is printed: %s", text)
	}
	return parameters, notes.String(), err
}

func TestRotationKeepsEveryKeyAsLongAsItsURLs(t *testing.T) {
	begin := time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)
	p := newParameterStore(t, begin)
	if _, _, err := p.deploy(nil, begin, true); err == nil {
		t.Error("rotated before there was a key")
	}
	var stack map[string]string
	since := begin
	for _, test := range []struct {
		after  time.Duration // since the last deployment
		rotate bool
		early  bool
		keys   string // in the stack, then the one that signs
	}{
		{0, false, false, "A a"},
		{time.Hour, false, false, "A a"},
		{time.Minute, true, false, "AB a"},
		{14 * time.Minute, true, true, ""},
		{15 * time.Minute, true, false, "AB b"},
		{time.Hour, false, false, "AB b"}, // a deployment begins the wait anew
		{2*time.Hour + 14*time.Minute, true, true, ""},
		{2*time.Hour + 15*time.Minute, true, false, "B b"},
		{time.Hour, false, false, "B b"},
		{time.Hour, true, false, "AB b"}, // and back again
		{time.Hour, true, false, "AB a"},
		{3 * time.Hour, true, false, "A a"},
	} {
		p.now = since.Add(test.after)
		got, _, err := p.deploy(stack, since, test.rotate)
		if test.early {
			if err == nil || !strings.Contains(err.Error(), "too early") {
				t.Errorf("%+v: %v", test, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%+v: %v", test, err)
		}
		keys := ""
		for slot := range strings.SplitSeq("AB", "") {
			secret, made := p.values["/presize/dev/origin-secret-"+strings.ToLower(slot)]
			if digest := got["originDigest"+slot]; (digest != "") != (got["signingKey"+slot] != "") || made && digest != origin.Digest(secret) {
				t.Errorf("%+v: digest %q in slot %s", test, digest, slot)
			}
			if old := stack["originDigest"+slot]; old != "" && got["originDigest"+slot] != "" && old != got["originDigest"+slot] {
				t.Errorf("%+v: the secret in slot %s has changed", test, slot)
			}
			if made && strings.Contains(fmt.Sprint(got), secret) {
				t.Errorf("%+v: the secret in slot %s is printed", test, slot)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(got)) {
			if slot, ok := strings.CutPrefix(name, "signingKey"); ok && slot != "" {
				keys += slot
				if old := stack[name]; old != "" && old != got[name] {
					t.Errorf("%+v: key %s has changed", test, slot)
				}
			}
		}
		if keys += " " + got["signingKey"]; keys != test.keys || len(p.values) != 2*strings.Index(keys, " ") {
			t.Errorf("%+v: keys %s, %d in SSM", test, keys, len(p.values))
		}
		stack, since = got, p.now
	}
}

func TestStackOfBeforeTheSecretGetsOne(t *testing.T) {
	p := newParameterStore(t, time.Now())
	before, _, err := p.deploy(nil, p.now, false)
	if err != nil {
		t.Fatal(err)
	}
	delete(p.values, "/presize/dev/origin-secret-a")
	delete(before, "originDigestA")
	after, _, err := p.deploy(before, p.now, false)
	if err != nil || after["originDigestA"] == "" || after["signingKeyA"] != before["signingKeyA"] {
		t.Errorf("%v, %v", after, err)
	}
}

func TestLostPrivateKeyIsNotReplacedUnseen(t *testing.T) {
	p := newParameterStore(t, time.Now())
	_, _, err := p.deploy(map[string]string{"signingKeyA": "MIIB", "signingKey": "a"}, time.Now(), false)
	if err == nil || len(p.values) > 0 {
		t.Errorf("got %v", err)
	}
}

func TestSecretThatCloudFrontDoesNotSendIsRefused(t *testing.T) {
	const name = "/presize/dev/origin-secret-a"
	for kind, change := range map[string]func(p *parameterStore){
		"lost":    func(p *parameterStore) { delete(p.values, name) },
		"changed": func(p *parameterStore) { p.values[name], p.versions[name] = "other", 2 },
	} {
		t.Run(kind, func(t *testing.T) {
			p := newParameterStore(t, time.Now().Add(-time.Hour))
			before, _, err := p.deploy(nil, p.now, false)
			if err != nil {
				t.Fatal(err)
			}
			secret := p.values[name]
			change(p)
			values := maps.Clone(p.values)
			for _, rotate := range []bool{false, true} {
				_, _, err := p.deploy(before, p.now, rotate)
				if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), before["originDigestA"]) || !maps.Equal(p.values, values) {
					t.Errorf("rotate %v: %v, SSM has %q", rotate, err, slices.Sorted(maps.Keys(p.values)))
				}
			}
			p.values[name], p.versions[name] = secret, 3
			after, _, err := p.deploy(before, p.now, false)
			if err != nil || after["originDigestA"] != before["originDigestA"] || after["originVersion"] != "3" {
				t.Errorf("put back: %v, %v", after, err)
			}
		})
	}
}

func TestParametersOfTheStackAreJSON(t *testing.T) {
	text, err := json.Marshal(cloudFormation([]parameter{{"signingKeyA", "MIIB,AQAB"}, {"signingKey", "a"}}))
	want := `[{"ParameterKey":"SigningKeyA","ParameterValue":"MIIB,AQAB"},{"ParameterKey":"SigningKey","ParameterValue":"a"}]`
	if string(text) != want || err != nil {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestKeysNeedAStage(t *testing.T) {
	var stderr strings.Builder
	if code := run(t.Context(), []string{"keys"}, system{stdout: io.Discard, stderr: &stderr}); code != 2 || !strings.Contains(stderr.String(), "--stage") {
		t.Errorf("%d %s", code, stderr.String())
	}
}
