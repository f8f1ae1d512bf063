package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/presize/presize/api/client"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// folder makes a folder with drawings, each another one.
func folder(t *testing.T, drawings int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range drawings {
		file, err := os.Create(filepath.Join(dir, fmt.Sprintf("%03d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		drawing := image.NewNRGBA(image.Rect(0, 0, 32, 32))
		drawing.Set(i%32, i/32, color.White)
		if err := errors.Join(png.Encode(file, drawing), file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t *testing.T, content []byte, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, content, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// results decodes what upload --json has printed.
func results(t *testing.T, stdout string) map[string]result {
	t.Helper()
	all := make(map[string]result)
	for line := range strings.Lines(stdout) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if _, twice := all[r.File]; twice {
			t.Errorf("%s is told twice", r.File)
		}
		all[r.File] = r
	}
	return all
}

// arrived returns the ids of the uploads in a state file whose files are in the storage.
func arrived(t *testing.T, name string) (ids []string) {
	t.Helper()
	journal, err := os.ReadFile(name)
	if err != nil {
		return nil // not written yet
	}
	for text := range strings.Lines(string(journal)) {
		var l struct{ Event, ID string }
		if json.Unmarshal([]byte(text), &l) == nil && l.Event == "arrived" { // the last line may be half written
			ids = append(ids, l.ID)
		}
	}
	return ids
}

func testFolder(t *testing.T, stack *localStack) {
	dir := folder(t, 2)
	write(t, phototest.Read(t, "test_exif_full.jpg"), dir, "trip", "IMG 1.JPG")
	write(t, []byte("\xff\xd8\xff\xe0 and then nothing"), dir, "trip", "damaged.jpg")
	write(t, nil, dir, "empty.png")
	for _, ignored := range []string{"notes.txt", ".hidden.png", ".git/a.png"} {
		write(t, []byte("ignored"), dir, ignored)
	}
	state := filepath.Join(t.TempDir(), "state")
	args := []string{"upload", "--endpoint", stack.url + "/", "--state", state, "--wait", "complete", "--reference", "trip 7", dir, filepath.Join(dir, "000.png")}

	first := presize(t, append(args, "--json")...)
	if first.code != 3 || !strings.Contains(first.stderr, "3 of 5 files done, 2 rejected, 0 failed") {
		t.Errorf("got %+v", first)
	}
	all := results(t, first.stdout)
	photo := all[filepath.Join(dir, "trip", "IMG 1.JPG")]
	if photo.Status != client.Ready || !photo.Complete || photo.Reference != "trip 7" || photo.Original.Width == 0 || len(all) != 5 {
		t.Errorf("the photo is %+v of %d", photo, len(all))
	}
	for name, code := range map[string]string{"trip/damaged.jpg": "truncated", "empty.png": "empty"} {
		if r := all[filepath.Join(dir, name)]; r.Status != client.Rejected || r.Rejection.Code != code || r.ID == "" {
			t.Errorf("%s is %+v, rejected as %+v", name, r, r.Rejection)
		}
	}
	if response, err := http.Get(photo.Variants[0].URL); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("its variant: %v, %v", response, err)
	}

	again := presize(t, args...)
	if again.code != 3 || !strings.Contains(again.stdout, photo.ID+"  ready     "+photo.File+"\n") || !strings.Contains(again.stdout, "damaged.jpg: ") {
		t.Errorf("again: %+v", again)
	}
	if info, err := os.Stat(state); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state file is %v, %v", info, err)
	}

	deleted := presize(t, "delete", "--endpoint", stack.url, "--state", state, photo.ID)
	if deleted.code != 0 || deleted.stdout != photo.ID+" deleted\n" {
		t.Errorf("deleted: %+v", deleted)
	}
	strange := client.NewUpload().ID
	if got := presize(t, "delete", "--endpoint", stack.url, "--state", state, "--json", strange, photo.ID); got.code != 1 || !strings.Contains(got.stderr, strange+": refused as forbidden") {
		t.Errorf("deleted without the secret: %+v", got)
	}
	anew := results(t, presize(t, append(args, "--json")...).stdout)[photo.File]
	if anew.Status != client.Ready || anew.ID == photo.ID {
		t.Errorf("a file that was deleted is not uploaded again: %+v", anew)
	}
}

// testStopped stops an upload in the middle, and goes on.
func testStopped(t *testing.T, stack *localStack, stop func(*os.Process) error, expected func(error) bool) {
	const count = 24
	dir, state := folder(t, count), filepath.Join(t.TempDir(), "state")
	before := originalsOf(t)
	args := []string{"upload", "--endpoint", stack.url, "--state", state, "--parallel", "2", dir}
	stopped := child(t, "80", args...)
	if err := stopped.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "a part is done", func() bool { return len(arrived(t, state)) >= count/3 })
	if err := stop(stopped.Process); err != nil {
		t.Fatal(err)
	}
	if err := stopped.Wait(); !expected(err) {
		t.Fatalf("it ended with %v", err)
	}
	done := arrived(t, state)
	t.Logf("stopped with %d of %d files in the storage", len(done), count)

	rest := presize(t, append(args, "--json")...)
	if rest.code != 0 {
		t.Fatalf("got %+v", rest)
	}
	var ids, stored []string
	for _, r := range results(t, rest.stdout) {
		ids = append(ids, r.ID)
	}
	for _, id := range originalsOf(t) {
		if !slices.Contains(before, id) {
			stored = append(stored, id)
		}
	}
	slices.Sort(ids)
	if len(ids) != count || !slices.Equal(ids, stored) {
		t.Errorf("%d files are uploaded, and %d originals are stored", len(ids), len(stored))
	}
	for _, id := range done {
		if !slices.Contains(ids, id) {
			t.Errorf("%s was uploaded again under another id", id)
		}
	}
}

// originalsOf returns the ids of all originals of the local stack, in order.
func originalsOf(t *testing.T) (ids []string) {
	t.Helper()
	c := &call{local: true, system: system{lookup: os.LookupEnv, presets: func() (media.Presets, error) { return sketch("80") }}}
	s, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for object, err := range s.Input.List(t.Context(), media.OriginalPrefix) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, strings.TrimPrefix(object.Key, media.OriginalPrefix))
	}
	slices.Sort(ids)
	return ids
}

func TestErrorThatIsAboutNoFileEndsTheRun(t *testing.T) {
	var requests atomic.Int64
	status := http.StatusUnauthorized
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") != "Bearer of alice" {
			t.Errorf("the token is %q", r.Header.Get("Authorization"))
		}
		w.WriteHeader(status)
	}))
	defer service.Close()
	t.Setenv("PRESIZE_TOKEN", "of alice")
	state := filepath.Join(t.TempDir(), "state")
	got := presize(t, "upload", "--endpoint", service.URL, "--state", state, "--parallel", "1", folder(t, 9))
	if got.code != 1 || !strings.Contains(got.stderr, "http-401") || !strings.Contains(got.stderr, "9 left; the same call goes on") || requests.Load() != 1 {
		t.Errorf("%d requests, got %+v", requests.Load(), got)
	}
	status = http.StatusNotFound // another server than a presize
	if got := presize(t, "upload", "--endpoint", service.URL, "--state", state, "--parallel", "1", folder(t, 9)); got.code != 1 || requests.Load() != 2 {
		t.Errorf("%d requests, got %+v", requests.Load(), got)
	}
}

// TestRefusalOfOneFileStopsNoOther refuses the grants, or the files in the storage.
func TestRefusalOfOneFileStopsNoOther(t *testing.T) {
	problem := func(kind, pointer string) string {
		return `{"type":"urn:presize:problem:` + kind + `","detail":"no","errors":[` + pointer + `]}`
	}
	for name, test := range map[string]struct {
		grant, storage string // the answers that refuse; "" accepts
		ends           bool   // the run
	}{
		"the storage has other bytes": {storage: "<Error><Code>BadDigest</Code><Message>differs</Message></Error>"},
		"the upload has other bytes":  {grant: problem("upload-exists", "")},
		"a field of the file":         {grant: problem("invalid-request", `{"pointer":"#/filename","detail":"no"}`)},
		"a setting of the run":        {grant: problem("invalid-request", `{"pointer":"#/filename"},{"pointer":"#/preset"}`), ends: true},
		"the storage itself":          {storage: "<Error><Code>InvalidRequest</Code></Error>", ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			var grants atomic.Int64
			var url string
			service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == http.MethodPut:
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprint(w, test.storage)
				case test.grant != "":
					grants.Add(1)
					w.Header().Set("Content-Type", "application/problem+json")
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprint(w, test.grant)
				default:
					grants.Add(1)
					fmt.Fprintf(w, `{"upload":{"method":"PUT","url":%q,"headers":{}}}`, url+"/put")
				}
			}))
			defer service.Close()
			url = service.URL
			got := presize(t, "upload", "--endpoint", url, "--state", filepath.Join(t.TempDir(), "state"), "--parallel", "1", folder(t, 3))
			if got.code != 1 || (grants.Load() == 1) != test.ends || test.ends == strings.Contains(got.stderr, "3 failed") {
				t.Errorf("%d grants: %+v", grants.Load(), got)
			}
		})
	}
}

func TestFileThatCannotBeReadStopsNoOther(t *testing.T) {
	dir := folder(t, 1)
	u := &uploading{call: &call{}}
	if err := os.Remove(filepath.Join(dir, "000.png")); err != nil {
		t.Fatal(err)
	}
	err := u.send(t.Context(), client.NewUpload(), imageFile{path: filepath.Join(dir, "000.png")}, nil)
	if !errors.Is(err, client.ErrUnreadable) || !aboutTheFile(err) {
		t.Errorf("got %v", err)
	}
}
