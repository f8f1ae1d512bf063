package edge

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/dop251/goja"

	"github.com/presize/presize/deploy/template"
)

// function is a CloudFront function for the event viewer-request.
type function struct{ script, call *goja.Program }

// compileFunction returns nil if a behavior has no function.
func compileFunction(config template.Function) (*function, error) {
	if config.Code == "" {
		return nil, nil
	}
	script, err := goja.Compile(config.Name, config.Code, true)
	if err != nil {
		return nil, fmt.Errorf("compile function: %w", err)
	}
	call := goja.MustCompile("call", `(event) => JSON.stringify(handler(JSON.parse(event)))`, true)
	return &function{script, call}, nil
}

// The input and output of a CloudFront function, without the parts that our functions do
// not use: query and cookies.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
type (
	event struct {
		Version string       `json:"version"`
		Context eventContext `json:"context"`
		Viewer  eventViewer  `json:"viewer"`
		Request eventRequest `json:"request"`
	}
	eventContext struct {
		EventType string `json:"eventType"`
	}
	eventViewer struct {
		IP string `json:"ip"`
	}
	eventRequest struct {
		Method  string                 `json:"method"`
		URI     string                 `json:"uri"`     // as the client sent it, without the query
		Headers map[string]eventHeader `json:"headers"` // by lower-case name
	}
	eventHeader struct {
		Value      string        `json:"value"`
		MultiValue []eventHeader `json:"multiValue,omitempty"` // all values, if there are several
	}
	// eventResult is a response if it has a status, otherwise a request.
	eventResult struct {
		StatusCode int                    `json:"statusCode"`
		Headers    map[string]eventHeader `json:"headers"`
		Body       struct {
			Data string `json:"data"`
		} `json:"body"`
		URI string `json:"uri"`
	}
)

func newEvent(r *http.Request) event {
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	headers := map[string]eventHeader{"host": {Value: r.Host}}
	for name, values := range r.Header {
		header := eventHeader{Value: values[0]}
		if len(values) > 1 {
			for _, value := range values {
				header.MultiValue = append(header.MultiValue, eventHeader{Value: value})
			}
		}
		headers[strings.ToLower(name)] = header
	}
	return event{
		Version: "1.0",
		Context: eventContext{EventType: "viewer-request"},
		Viewer:  eventViewer{IP: ip},
		Request: eventRequest{Method: r.Method, URI: r.URL.EscapedPath(), Headers: headers},
	}
}

// run runs the function as CloudFront does: no state is kept between two runs.
func (f *function) run(e event) (result eventResult, err error) {
	argument, err := json.Marshal(e)
	if err != nil {
		return result, err
	}
	vm := goja.New()
	if _, err := vm.RunProgram(f.script); err != nil {
		return result, fmt.Errorf("start function: %w", err)
	}
	value, err := vm.RunProgram(f.call)
	if err != nil {
		return result, fmt.Errorf("start function: %w", err)
	}
	call, _ := goja.AssertFunction(value)
	value, err = call(goja.Undefined(), vm.ToValue(string(argument)))
	if err != nil {
		return result, fmt.Errorf("run function: %w", err)
	}
	if err := json.Unmarshal([]byte(value.String()), &result); err != nil {
		return result, fmt.Errorf("result of function: %w", err)
	}
	return result, nil
}

// before returns next with the function before it. The function may answer a request
// itself, or change its path.
func (f *function) before(next http.Handler) http.Handler {
	if f == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		result, err := f.run(newEvent(r))
		if err == nil && result.StatusCode != 0 {
			result.answer(w)
			return
		}
		if err == nil {
			r = r.Clone(r.Context())
			r.URL.RawPath = result.URI
			r.URL.Path, err = url.PathUnescape(result.URI)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable) // CloudFront answers with this status
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (r eventResult) answer(w http.ResponseWriter) {
	for name, header := range r.Headers {
		w.Header().Set(name, header.Value)
	}
	w.WriteHeader(r.StatusCode)
	io.WriteString(w, r.Body.Data)
}
