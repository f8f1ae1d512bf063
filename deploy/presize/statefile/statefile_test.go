package statefile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/presize/presize/api/client"
)

func mustOpenState(t *testing.T, name string) *File {
	t.Helper()
	s, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestStateFileKnowsAnEndpointHoweverItIsWritten reads one that an earlier version has written.
func TestStateFileKnowsAnEndpointHoweverItIsWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state")
	upload := client.NewUpload()
	journal := fmt.Sprintf(`{"event":"began","id":%q,"secret":%q,"source":{"file":"/a","bytes":1,"modified":0,"endpoint":"https://A.example/api/v1"}}`+"\n", upload.ID, upload.Secret)
	if err := os.WriteFile(name, []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustOpenState(t, name)
	defer s.Close()
	if got := mustBegin(t, s, Source{File: "/a", Bytes: 1, Endpoint: "https://a.example"}); got.Upload != upload {
		t.Errorf("got %s, want %s", got.Upload.ID, upload.ID)
	}
}

func mustBegin(t *testing.T, s *File, from Source) Began {
	t.Helper()
	b, err := s.Begin(from)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStateFileIsCutOffAnywhere reads every beginning of a state file, as a crash leaves it.
func TestStateFileIsCutOffAnywhere(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state")
	s := mustOpenState(t, name)
	one, two := Source{File: "/a", Bytes: 1, Endpoint: "https://a"}, Source{File: "/a", Bytes: 2, Endpoint: "https://a"}
	first := mustBegin(t, s, one)
	if second := mustBegin(t, s, two); second.Upload == first.Upload {
		t.Error("a file that has changed is the same upload")
	}
	if err := s.Arrived(first.Upload); err != nil {
		t.Fatal(err)
	}
	s.Close()
	journal, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	ends := []int{0}
	for i, c := range journal {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	for length := range len(journal) + 1 {
		part := filepath.Join(t.TempDir(), "part")
		if err := os.WriteFile(part, journal[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		s := mustOpenState(t, part)
		got := mustBegin(t, s, one)
		if known := got.Upload == first.Upload; known != (length >= ends[1]) || got.Arrived != (length >= ends[3]) {
			t.Errorf("after %d of %d bytes: %+v", length, len(journal), got)
		}
		s.Close()
		if again := mustBegin(t, mustOpenState(t, part), one); again.Upload != got.Upload {
			t.Errorf("after %d of %d bytes: the next run begins another upload", length, len(journal))
		}
	}
}

func TestStateFileForgetsWhatIsDeleted(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state")
	s := mustOpenState(t, name)
	from := Source{File: "/a", Endpoint: "https://a"}
	upload := mustBegin(t, s, from).Upload
	if found := s.Find(upload.ID); found != upload {
		t.Errorf("found %v", found)
	}
	for range 2 {
		if err := s.Forget(upload); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	s = mustOpenState(t, name)
	if found := s.Find(upload.ID); found != (client.Upload{ID: upload.ID}) {
		t.Errorf("found %v", found)
	}
	if anew := mustBegin(t, s, from); anew.Upload == upload {
		t.Error("it is still there")
	}
}

func TestStateFileThatIsNoneIsRefused(t *testing.T) {
	secret := client.NewUpload().Secret
	for name, content := range map[string]string{
		"other text":      "hello\n",
		"another JSON":    `{"event":"arrived","id":"mzxw6ytboi2gk3tdmuqhg5dbna"}` + "\n",
		"a broken secret": `{"event":"began","id":"a","secret":"` + secret[1:] + `","source":{}}` + "\n",
	} {
		file := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(file); err == nil || !strings.Contains(err.Error(), "line 1") || strings.Contains(err.Error(), secret[1:]) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadFile(file); err != nil || string(left) != content {
			t.Errorf("%s is changed: %q, %v", name, left, err)
		}
	}
}

func TestStateFileIsForOneProcess(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state")
	s := mustOpenState(t, name)
	if _, err := Open(name); err == nil || !strings.Contains(err.Error(), "another presize is using it") {
		t.Errorf("opened twice: %v", err)
	}
	s.Close()
	mustOpenState(t, name)
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder is a state file")
	}
}

func TestStateFileLeavesOtherFilesAlone(t *testing.T) {
	const text = "a line of something else, without an end"
	name := filepath.Join(t.TempDir(), "token.txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(name); err == nil {
		s.Close()
		t.Error("opened")
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != text {
		t.Errorf("the file has %q, %v", got, err)
	}
}
