package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../../.."

func TestReplace(t *testing.T) {
	document := "a\n<!-- x: computed by deploy/measure/scale -->\nold\n<!-- /x -->\nb\n"
	got, err := replace(document, "x", "new\n")
	if want := strings.ReplaceAll(document, "old", "new"); err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	for name, document := range map[string]string{
		"no place": "a\n",
		"no end":   "<!-- x: computed by deploy/measure/scale -->\nold\n",
	} {
		if _, err := replace(document, "x", "new\n"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPlotIsWellFormed(t *testing.T) {
	all := scenarios()[:3]
	picture := plot(all, results(all))
	names := make(map[string]bool)
	for decoder := xml.NewDecoder(strings.NewReader(picture)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			names[string(text)] = true
		}
	}
	for _, s := range all {
		if title := fmt.Sprintf("limit %d, %s", s.stage.account.limit, s.way); !names[title] {
			t.Errorf("no panel is titled %q", title)
		}
	}
}

func TestREADMESaysWhatAnOpenDeploymentCanCost(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`up to (\$[\d,]+)\]\(deploy/COSTS\.md#`).FindSubmatch(text)
	if said == nil || !strings.Contains(openTable(), "**"+string(said[1])+"**") {
		t.Errorf("README.md says %q, and the table is\n%s", said, openTable())
	}
}
