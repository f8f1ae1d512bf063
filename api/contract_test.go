package api

import (
	"bytes"
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

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/presize/presize/internal/media"
)

// contract is an http.RoundTripper that holds everything that passes through it
// against openapi.yaml.
type contract struct {
	t    testing.TB
	doc  *openapi3.T
	next http.RoundTripper
}

func newContract(t testing.TB, next http.RoundTripper) contract {
	t.Helper()
	doc := loadDocument(t)
	for _, schema := range doc.Components.Schemas {
		// Clients have to live with fields that they don't know, these tests have not.
		if schema.Value.Type.Is("object") && schema.Value.AdditionalProperties.Has == nil {
			schema.Value.AdditionalProperties.Has = new(bool)
		}
	}
	return contract{t, doc, next}
}

// route finds the operation of a request as the document has it, and nil if it
// has none.
func (c contract) route(r *http.Request) (route *routers.Route, parameters map[string]string) {
	mux := http.NewServeMux()
	for path, item := range c.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			mux.HandleFunc(method+" "+path, func(_ http.ResponseWriter, r *http.Request) {
				route = &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: method, Operation: operation}
				parameters = map[string]string{"id": r.PathValue("id")}
			})
		}
	}
	mux.ServeHTTP(httptest.NewRecorder(), r)
	return route, parameters
}

func loadDocument(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func (c contract) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	response, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(got))
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(sent))
	c.check(r, response, got)
	return response, nil
}

// check reports where a request and its answer are not as the document says.
func (c contract) check(r *http.Request, response *http.Response, body []byte) {
	c.t.Helper()
	what := r.Method + " " + r.URL.Path + ": " + response.Status
	head := r.Method == http.MethodHead
	if head {
		r.Method = http.MethodGet
		if len(body) > 0 {
			c.t.Errorf("%s: an answer to HEAD with a body", what)
		}
	}
	route, parameters := c.route(r)
	if route == nil {
		c.checkUnrouted(what, response, body)
		return
	}
	if r.Header.Get("Content-Type") == "" && r.Method == http.MethodPost {
		r.Header.Set("Content-Type", "application/octet-stream") // what a missing one means (RFC 9110 §8.3)
	}
	request := &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{SkipSettingDefaults: true}}
	if err := openapi3filter.ValidateRequest(r.Context(), request); err != nil && response.StatusCode < 400 {
		c.t.Errorf("%s: accepted, but the document refuses the request: %v", what, err)
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request,
		Status:                 response.StatusCode,
		Header:                 response.Header,
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, ExcludeResponseBody: head},
	}
	answer.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(r.Context(), answer); err != nil {
		c.t.Errorf("%s: %v\n%s", what, err, body)
	}
	c.checkEverywhere(what, response, body)
}

// checkUnrouted checks an answer that no operation gave.
func (c contract) checkUnrouted(what string, response *http.Response, body []byte) {
	c.t.Helper()
	if response.StatusCode == http.StatusNoContent {
		if !strings.HasPrefix(what, http.MethodOptions) || response.Header.Get("Allow") == "" || len(body) > 0 {
			c.t.Errorf("%s: not an answer to OPTIONS: %v %s", what, response.Header, body)
		}
		return
	}
	if status := response.StatusCode; status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
		c.t.Errorf("%s: routed, but not in the document", what)
	}
	var document any
	if err := json.Unmarshal(body, &document); err != nil {
		c.t.Errorf("%s: %v", what, err)
		return
	}
	if err := c.doc.Components.Schemas["Problem"].Value.VisitJSON(document); err != nil {
		c.t.Errorf("%s: %v", what, err)
	}
	c.checkEverywhere(what, response, body)
}

// checkEverywhere checks what holds for every answer.
func (c contract) checkEverywhere(what string, response *http.Response, body []byte) {
	c.t.Helper()
	header := response.Header
	requestID := header.Get("X-Request-Id")
	if requestID == "" || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") == "" {
		c.t.Errorf("%s: headers are missing: %v", what, header)
	}
	for name := range header {
		if strings.HasPrefix(name, "Access-Control-") {
			c.t.Errorf("%s: other sites may use the API: %s", what, name)
		}
	}
	if response.StatusCode >= 400 && len(body) > 0 {
		if header.Get("Content-Type") != "application/problem+json" || header.Get("Cache-Control") != "no-store" {
			c.t.Errorf("%s: not sent as a problem: %v", what, header)
		}
		if want := "urn:presize:request:" + requestID; !strings.Contains(string(body), `"`+want+`"`) {
			c.t.Errorf("%s: not an instance of %s: %s", what, want, body)
		}
	}
}

func TestMain(m *testing.M) {
	for _, format := range media.Accepted() {
		openapi3filter.RegisterBodyDecoder(string(format), openapi3filter.FileBodyDecoder)
	}
	m.Run()
}

func TestDocumentIsValidAndItsExamplesToo(t *testing.T) {
	if err := loadDocument(t).Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDocumentAndRoutesAgree(t *testing.T) {
	var documented, routed []string
	for path, item := range loadDocument(t).Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+path)
		}
	}
	for _, route := range (&service{}).routes() {
		routed = append(routed, route.method+" "+route.path)
	}
	slices.Sort(documented)
	slices.Sort(routed)
	if !slices.Equal(documented, routed) {
		t.Errorf("documented %q\nrouted     %q", documented, routed)
	}
}

func TestDocumentAndProblemTableAgree(t *testing.T) {
	doc := loadDocument(t)
	var want []any
	examples := make(map[string]any)
	for _, response := range doc.Components.Responses {
		for name, example := range response.Value.Content["application/problem+json"].Examples {
			examples[name] = example.Value.Value
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		want = append(want, "urn:presize:problem:"+string(kind))
		example, _ := examples[string(kind)].(map[string]any)
		if example["type"] != "urn:presize:problem:"+string(kind) || example["title"] != kinds[kind].title ||
			example["status"] != float64(kinds[kind].status) {
			t.Errorf("%s: the example is not like the table: %v", kind, example)
		}
	}
	wantEnum(t, doc, "Problem", "type", want)
	if len(examples) != len(kinds) {
		t.Errorf("%d examples for %d problems", len(examples), len(kinds))
	}
}

func TestDocumentAndContractAgree(t *testing.T) {
	doc := loadDocument(t)
	var accepted []any
	bodies := doc.Paths.Value("/api/v1/images").Post.RequestBody.Value.Content
	for _, format := range media.Accepted() {
		accepted = append(accepted, string(format))
		if bodies[string(format)] == nil {
			t.Errorf("uploadImage does not take %s", format)
		}
	}
	wantEnum(t, doc, "OriginalType", "", accepted)
	wantEnum(t, doc, "Upload", "status", []any{
		string(media.Processing), string(media.Ready), string(media.Rejected), string(media.Failed)})
	wantEnum(t, doc, "Rejection", "code", []any{
		string(media.Empty), string(media.UnsupportedType), string(media.TypeMismatch), string(media.Corrupt),
		string(media.Truncated), string(media.TooManyBytes), string(media.TooManyPixels), string(media.TooManyFrames), string(media.TooSmall), string(media.Refused)})
	for _, operation := range []*openapi3.Schema{
		doc.Components.Schemas["GrantRequest"].Value.Properties["preset"].Value,
		doc.Paths.Value("/api/v1/images").Post.Parameters.GetByInAndName("query", "preset").Schema.Value,
	} {
		if operation.Default != media.DefaultPreset {
			t.Errorf("default preset: got %v, want %s", operation.Default, media.DefaultPreset)
		}
	}
}

func TestDocumentTellsTheLimits(t *testing.T) {
	doc := loadDocument(t)
	if got := doc.Components.Schemas["GrantRequest"].Value.Properties["filename"].Value.MaxLength; got == nil || *got != maxFilename {
		t.Errorf("filename: maxLength is %v, want %d", got, maxFilename)
	}
	for _, want := range []string{
		fmt.Sprintf("At most %d KiB.", maxGrantRequest>>10),
		fmt.Sprintf("maximum is %d.", maxWait/time.Second),
		fmt.Sprintf("by default %d.", media.DefaultLimits().Bytes),
	} {
		if !strings.Contains(string(openAPI), want) {
			t.Errorf("openapi.yaml does not say %q", want)
		}
	}
}

func wantEnum(t *testing.T, doc *openapi3.T, schema, property string, want []any) {
	t.Helper()
	values := doc.Components.Schemas[schema].Value
	if property != "" {
		values = values.Properties[property].Value
	}
	order := func(a, b any) int { return strings.Compare(a.(string), b.(string)) }
	got := slices.SortedFunc(slices.Values(values.Enum), order)
	if want = slices.SortedFunc(slices.Values(want), order); !slices.Equal(got, want) {
		t.Errorf("%s.%s: got %v, want %v", schema, property, got, want)
	}
}
