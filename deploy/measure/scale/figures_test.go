//go:build !quick

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCommittedFiguresAreTheComputedOnes(t *testing.T) {
	files, err := generate(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if string(got) != want {
			t.Errorf("%s is not what the program computes: go run ./deploy/measure/scale", name)
		}
	}
}
