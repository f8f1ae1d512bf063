package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestStandaloneTemplateNeedsNoOsls(t *testing.T) {
	compiled, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	text, err := standalone(compiled)
	if err != nil {
		t.Fatal(err)
	}
	standing := parse(t, text)
	for _, failure := range check(standing) {
		t.Error(failure)
	}
	for id, archive := range map[string]string{apiFunction: "api.zip", worker: "worker.zip"} {
		code := standing.props(id).at("Code")
		if code.at("S3Bucket").text() != "${CodeBucket}" || code.at("S3Key").text() != "${CodePrefix}"+archive {
			t.Errorf("%s: code %v", id, code.value)
		}
	}
	if content := standing.props(layer).at("Content"); content.at("S3Key").text() != "${CodePrefix}libvips-arm64.zip" {
		t.Errorf("layer: %v", content.value)
	}
	// The names of the archives have the time in them.
	again, err := standalone(bytes.ReplaceAll(compiled, []byte("/api.zip"), []byte("/later/api.zip")))
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("another time gives another template: %v", err)
	}
}

func TestStandaloneRefusesWhatItCantTurn(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "no archives",
		`[]`: "cannot unmarshal",
		`{"Parameters":{},"Resources":{"A":{"Properties":{"Code":{"S3Key":"a.zip"},"X":{"Ref":"ServerlessDeploymentBucket"}}}}}`: "still needs",
	} {
		if got, err := standalone(json.RawMessage(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}
