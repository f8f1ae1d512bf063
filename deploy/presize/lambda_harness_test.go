package main

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// lambdaServer answers the calls of Lambda that are about versions and aliases.
// https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
type lambdaServer struct {
	t   *testing.T
	url string

	mu        sync.Mutex
	functions map[string]*lambdaFunction
}

// lambdaFunction is a function. What it consists of, code and settings, is a text here.
type lambdaFunction struct {
	latest   string
	updating int               // how often it is looked at until its update is done
	versions map[string]string // by number
	last     int               // number of the version that was published last
	alias    string            // the version to which live points
	shares   map[string]float64
	used     string // a version to which another alias points
}

func startLambda(t *testing.T) *lambdaServer {
	t.Helper()
	l := &lambdaServer{t: t, functions: make(map[string]*lambdaFunction)}
	mux := http.NewServeMux()
	const function = "/2015-03-31/functions/{function}"
	mux.HandleFunc("GET "+function+"/configuration", l.on(configuration))
	mux.HandleFunc("POST "+function+"/versions", l.on(publishVersion))
	mux.HandleFunc("GET "+function+"/versions", l.on(listVersions))
	mux.HandleFunc("GET "+function+"/aliases/live", l.on(alias))
	mux.HandleFunc("PUT "+function+"/aliases/live", l.on(alias))
	mux.HandleFunc("DELETE "+function, l.on(deleteVersion))
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { t.Errorf("unexpected %s %s", r.Method, r.URL) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

// client returns a client that sends each request once, by way of transport.
func (l *lambdaServer) client(transport http.RoundTripper) *lambda.Client {
	return lambda.New(lambda.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(l.url), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		HTTPClient:  &http.Client{Transport: transport},
	})
}

// failure is an error of Lambda.
type failure struct {
	status int
	kind   string
}

var (
	missing  = failure{http.StatusNotFound, "ResourceNotFoundException"}
	conflict = failure{http.StatusConflict, "ResourceConflictException"}
)

// on makes a handler of what answers for one function.
func (l *lambdaServer) on(answer func(f *lambdaFunction, r *http.Request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		var out any = missing
		if f := l.functions[r.PathValue("function")]; f != nil {
			out = answer(f, r)
		}
		if f, failed := out.(failure); failed {
			w.Header().Set("X-Amzn-Errortype", f.kind)
			w.WriteHeader(f.status)
			out = map[string]string{"Message": f.kind}
		}
		if err := json.NewEncoder(w).Encode(out); err != nil {
			l.t.Error(err)
		}
	}
}

// has reports whether there is such a version.
func (f *lambdaFunction) has(version string) bool {
	_, ok := f.versions[version]
	return ok || version == latest
}

// runs returns what is called by the alias.
func (f *lambdaFunction) runs() string {
	if f.alias == latest {
		return f.latest
	}
	return f.versions[f.alias]
}

func configuration(f *lambdaFunction, r *http.Request) any {
	if version := r.FormValue("Qualifier"); version != "" {
		if !f.has(version) {
			return missing
		}
		return map[string]string{"Version": version, "State": "Active"}
	}
	if f.updating > 0 {
		f.updating--
		return map[string]string{"Version": latest, "LastUpdateStatus": "InProgress"}
	}
	return map[string]string{"Version": latest, "LastUpdateStatus": "Successful"}
}

func publishVersion(f *lambdaFunction, _ *http.Request) any {
	if f.updating > 0 {
		return conflict
	}
	if newest := strconv.Itoa(f.last); !f.has(newest) || f.versions[newest] != f.latest {
		f.last++
		f.versions[strconv.Itoa(f.last)] = f.latest
	}
	return map[string]string{"Version": strconv.Itoa(f.last)}
}

// listVersions gives one version a page, the oldest last.
func listVersions(f *lambdaFunction, r *http.Request) any {
	numbers := []string{latest}
	for n := range f.last {
		if version := strconv.Itoa(f.last - n); f.has(version) {
			numbers = append(numbers, version)
		}
	}
	at := slices.Index(numbers, cmp.Or(r.FormValue("Marker"), latest))
	if at < 0 {
		return missing
	}
	page := map[string]any{"Versions": []map[string]string{{"Version": numbers[at]}}}
	if at+1 < len(numbers) {
		page["NextMarker"] = numbers[at+1]
	}
	return page
}

func alias(f *lambdaFunction, r *http.Request) any {
	if r.Method == "PUT" {
		var in struct {
			FunctionVersion string
			RoutingConfig   struct{ AdditionalVersionWeights map[string]float64 }
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !f.has(in.FunctionVersion) {
			return missing
		}
		f.alias = in.FunctionVersion
		if in.RoutingConfig.AdditionalVersionWeights != nil { // else they stay
			f.shares = in.RoutingConfig.AdditionalVersionWeights
		}
	}
	return map[string]any{"Name": live, "FunctionVersion": f.alias, "RoutingConfig": map[string]any{"AdditionalVersionWeights": f.shares}}
}

func deleteVersion(f *lambdaFunction, r *http.Request) any {
	version := r.FormValue("Qualifier")
	if !f.has(version) || version == latest {
		return missing
	}
	if version == f.alias || version == f.used {
		return conflict
	}
	delete(f.versions, version)
	return map[string]string{}
}
