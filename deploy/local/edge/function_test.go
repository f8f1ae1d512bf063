package edge_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/deploy/local/edge"
	"github.com/presize/presize/deploy/template"
	"github.com/presize/presize/web"
)

const autoURL = "/i/mzxw6ytboi2gk3tdmuqhg5dbna/0a1b2c3d/640"

// functions returns what is deployed, by the pattern of its behavior.
func functions(t testing.TB) map[string]template.Function {
	t.Helper()
	distribution, err := template.Deployment{UploadOrigin: uploadOrigin}.Distribution()
	if err != nil {
		t.Fatal(err)
	}
	functions := make(map[string]template.Function)
	for _, behavior := range distribution.Behaviors {
		if behavior.Function.Code != "" {
			functions[behavior.PathPattern] = behavior.Function
		}
	}
	return functions
}

// behind returns a CDN with one function, in front of an origin that answers with
// the path that it is asked for.
func behind(t testing.TB, function template.Function) http.Handler {
	t.Helper()
	handler, err := edge.New(
		template.Distribution{Behaviors: []template.Behavior{{PathPattern: "*", Origin: "echo", Methods: []string{"GET"}, Function: function}}},
		map[string]http.Handler{"echo": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.URL.EscapedPath())
		})},
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// get asks for a path, with one line of the Accept header for each value.
func get(handler http.Handler, path string, accept ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest("GET", path, nil)
	for _, line := range accept {
		request.Header.Add("Accept", line)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func TestBrowsersGetTheBestFormatTheyCanShow(t *testing.T) {
	handler := behind(t, functions(t)["/i/*"])
	for name, test := range map[string]struct{ accept, want string }{
		"Chrome 85 and later, image":        {"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", ".avif"},
		"Chrome 85 and later, navigation":   {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7", ".avif"},
		"Chrome 84, image":                  {"image/webp,image/apng,image/*,*/*;q=0.8", ".webp"},
		"Chrome 31, image":                  {"image/webp,*/*;q=0.8", ".webp"},
		"Edge 121 and later, image":         {"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", ".avif"},
		"Edge 120, image":                   {"image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", ".webp"},
		"Edge 18, image":                    {"image/png, image/svg+xml, image/*; q=0.8, */*; q=0.5", ".jpg"},
		"Internet Explorer 11, image":       {"image/png, image/svg+xml, image/jxr, image/*;q=0.8, */*;q=0.5", ".jpg"},
		"Firefox 128 and later, image":      {"image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", ".avif"},
		"Firefox 93, image":                 {"image/avif,image/webp,*/*", ".avif"},
		"Firefox 93, navigation":            {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", ".avif"},
		"Firefox 65, image":                 {"image/webp,*/*", ".webp"},
		"Firefox 72, navigation":            {"text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", ".webp"},
		"Firefox 47, image":                 {"*/*", ".jpg"},
		"Firefox 46, image":                 {"image/png,image/*;q=0.8,*/*;q=0.5", ".jpg"},
		"Safari 17 and later, image":        {"image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", ".avif"},
		"Safari 17, macOS 12, image":        {"image/webp,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", ".webp"},
		"Safari 16, image":                  {"image/webp,image/avif,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", ".avif"},
		"Safari 15, image":                  {"image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", ".webp"},
		"Safari 13, image":                  {"image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", ".jpg"},
		"Safari of any version, navigation": {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", ".jpg"},
		"curl":                              {"*/*", ".jpg"},
		"a program that wants JSON":         {"application/json", ".jpg"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := get(handler, autoURL, test.accept).Body.String(); got != autoURL+test.want {
				t.Errorf("%s: got %s, want %s", test.accept, got, test.want)
			}
		})
	}
	if got := get(handler, autoURL).Body.String(); got != autoURL+".jpg" {
		t.Errorf("no Accept at all: got %s", got)
	}
}

func TestAcceptIsReadAsItsGrammarSays(t *testing.T) {
	handler := behind(t, functions(t)["/i/*"])
	for accept, want := range map[string]string{
		"":                               ".jpg",
		",, ,":                           ".jpg",
		"image/*":                        ".jpg",
		"IMAGE/AVIF":                     ".avif",
		"Image/WebP;Q=0.5":               ".webp",
		" image/avif \t;\tq=0.5 ":        ".avif",
		"image/avif;q=0":                 ".jpg",
		"image/avif;q=0.000, image/webp": ".webp",
		"image/avif;q=0, image/webp;q=0, image/*":      ".jpg",
		"image/avif, image/*;q=0":                      ".avif",
		"image/avif;q=0.1, image/webp;q=0.9":           ".webp",
		"image/avif;q=0.5, image/webp;q=0.5":           ".avif",
		"image/webp;q=0.5, */*":                        ".jpg",
		"image/webp;q=0.5, image/jpeg;q=0.4, */*":      ".webp",
		"image/avif;q=0.5, image/*;q=0.4, */*;q=0.9":   ".avif",
		"image/jpeg, image/avif;q=0.9":                 ".jpg",
		"image/jpeg;q=0":                               ".jpg", // better than an error page in place of a photo
		"image/avif;q=":                                ".jpg",
		"image/avif;q=high":                            ".jpg",
		"image/avif;q=2":                               ".jpg",
		"image/avif;q=-1":                              ".jpg",
		"image/avif;level=1;q=0":                       ".jpg",
		`image/avif;note="a, \"b\"; q=1";q=0`:          ".jpg",
		`text/plain;note="x,image/avif,y", image/webp`: ".webp",
		"image/avifs, ximage/avif, avif":               ".jpg",
		"__proto__, constructor;q=0.1":                 ".jpg",
	} {
		if got := get(handler, autoURL, accept).Body.String(); got != autoURL+want {
			t.Errorf("%q: got %s, want %s", accept, got, want)
		}
	}
	if got := get(handler, autoURL, "text/html", "image/webp", "*/*").Body.String(); got != autoURL+".webp" {
		t.Errorf("in several lines: got %s", got)
	}
}

func TestOnlyAnAutoURLIsChanged(t *testing.T) {
	handler := behind(t, functions(t)["/i/*"])
	for _, path := range []string{
		"/", "/i/", "/i/x", autoURL + "/", autoURL + ".avif", autoURL + "x", autoURL + "%20", "/x" + autoURL,
		strings.TrimSuffix(autoURL, "640"), strings.TrimSuffix(autoURL, "/640"), strings.ToUpper(autoURL),
		strings.Replace(autoURL, "0a1b2c3d", "0a1b2c3", 1), strings.Replace(autoURL, "0a1b2c3d", "0a%2Fb2c3", 1),
		"/i/mzxw6ytboi2gk3tdmuqhg5dbn/0a1b2c3d/640",
	} {
		if got := get(handler, path, "image/avif").Body.String(); got != path {
			t.Errorf("%s became %s", path, got)
		}
	}
}

func TestEveryFileOfTheSitePassesItsFunction(t *testing.T) {
	handler := behind(t, functions(t)["*"])
	files, err := fs.Glob(web.FS, "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, path := range append(files, "") {
		if answer := get(handler, "/"+path); answer.Code != http.StatusOK || answer.Body.String() != "/"+path {
			t.Errorf("/%s: %d %s", path, answer.Code, answer.Body)
		}
	}
	for _, path := range []string{
		"/nothing", "/nothing/", "/index.php", "/index.htm", "/.env", "/a/b.js", "/queue.test.js", "/%2e%2e/web.go", "/api", "/i",
	} {
		answer := get(handler, path)
		if answer.Code != http.StatusNotFound || answer.Header().Get("Content-Type") != "text/html; charset=utf-8" ||
			!strings.Contains(answer.Body.String(), "There is nothing here.") {
			t.Errorf("%s: %d %q %.40q", path, answer.Code, answer.Header(), answer.Body)
		}
	}
}

func TestPageForWhatIsMissingKeepsToThePolicy(t *testing.T) {
	body := get(behind(t, functions(t)["*"]), "/nothing").Body.String()
	for _, forbidden := range []string{"<script", "<style", "style=", "http:", "https:", "//"} {
		if strings.Contains(body, forbidden) {
			t.Errorf("it has %s", forbidden)
		}
	}
	for _, link := range []string{`"/style.css"`, `"/icon.svg"`} {
		if _, err := fs.Stat(web.FS, strings.Trim(link, `"/`)); err != nil || !strings.Contains(body, link) {
			t.Errorf("%s: %v", link, err)
		}
	}
}

func TestAutoURLAnswersByAcceptAndSaysSo(t *testing.T) {
	url, output := start(t)
	key := strings.TrimPrefix(autoURL, "/")
	put(t, output, key+".avif", "image/avif", immutable, "as AVIF")
	put(t, output, key+".jpg", "image/jpeg", immutable, "as JPEG")
	for accept, want := range map[string]struct {
		status      int
		contentType string
	}{
		"image/avif,*/*": {http.StatusOK, "image/avif"},
		"*/*":            {http.StatusOK, "image/jpeg"},
		"image/webp":     {http.StatusNotFound, "text/plain; charset=utf-8"}, // there is none
	} {
		response, body := send(t, "GET", url+autoURL, "Accept", accept)
		if response.StatusCode != want.status || response.Header.Get("Content-Type") != want.contentType || response.Header.Get("Vary") != "Accept" {
			t.Errorf("%s: %s %q %q", accept, response.Status, response.Header, body)
		}
		if want.status == http.StatusOK && response.Header.Get("Cache-Control") != immutable {
			t.Errorf("%s: %q", accept, response.Header)
		}
	}
	response, _ := send(t, "GET", url+autoURL+".jpg", "Accept", "image/avif")
	if response.Header.Get("Content-Type") != "image/jpeg" || response.Header.Get("Vary") != "" {
		t.Errorf("the variant's own URL: %s %q", response.Status, response.Header)
	}
}

func TestFunctionThatFailsIsAnErrorOfTheCDN(t *testing.T) {
	for name, code := range map[string]string{
		"throws":               `function handler(event) { return event.nothing.at.all; }`,
		"throws at its start":  `nothing();`,
		"has no handler":       `function handle(event) { return event.request; }`,
		"returns nothing":      `function handler(event) {}`,
		"returns a wrong path": `function handler(event) { return { uri: '/%' }; }`,
	} {
		answer := get(behind(t, template.Function{Name: "x.mjs", Code: code}), "/")
		if answer.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
	distribution := template.Distribution{Behaviors: []template.Behavior{{PathPattern: "*", Origin: "x", Function: template.Function{Name: "x.mjs", Code: "function"}}}}
	if _, err := edge.New(distribution, map[string]http.Handler{"x": http.NotFoundHandler()}, nil); err == nil || !strings.Contains(err.Error(), "x.mjs") {
		t.Errorf("wrong syntax: %v", err)
	}
}

func TestNothingIsLeftOfOneRunInTheNext(t *testing.T) {
	handler := behind(t, template.Function{Name: "x.mjs", Code: `
		let runs = 0;
		function handler(event) { runs++; return { uri: '/' + runs }; }`})
	for range 2 {
		if got := get(handler, "/").Body.String(); got != "/1" {
			t.Errorf("got %s", got)
		}
	}
}

// FuzzAccept checks that any Accept header is answered with one of the three formats.
func FuzzAccept(f *testing.F) {
	handler := behind(f, functions(f)["/i/*"])
	f.Add("image/avif,image/webp;q=0.5,*/*;q=0.8")
	f.Add(`"\"`)
	f.Add(`a/b;q=1;q=0;x="\\",`)
	f.Fuzz(func(t *testing.T, accept string) {
		answer := get(handler, autoURL, accept)
		extension, ok := strings.CutPrefix(answer.Body.String(), autoURL)
		if answer.Code != http.StatusOK || !ok || !slices.Contains([]string{".avif", ".webp", ".jpg"}, extension) {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
		named := strings.Contains(strings.ToLower(accept), "image/"+strings.TrimPrefix(extension, "."))
		if extension != ".jpg" && !named {
			t.Fatalf("%s without being named", extension)
		}
	})
}
