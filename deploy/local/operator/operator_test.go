package operator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/presize/presize/deploy/local/operator"
)

func TestAccessIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	if _, err := operator.Read(dir); err == nil || !strings.Contains(err.Error(), "make run") {
		t.Errorf("before: %v", err)
	}
	for _, want := range []operator.Access{{S3: "http://localhost:1", SecretAccessKey: "first"}, {S3: "http://localhost:2", SecretAccessKey: "second"}} {
		if err := want.Write(dir); err != nil {
			t.Fatal(err)
		}
		if got, err := operator.Read(dir); err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: others can read the secret", info, err)
	}
	if err := (operator.Access{}).Write(filepath.Join(dir, "missing")); err == nil {
		t.Error("no error without the folder")
	}
}
