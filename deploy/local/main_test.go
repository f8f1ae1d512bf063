package main

import (
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/presize/presize/deploy/presets"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/renderer"
)

func lookupIn(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}

func TestSettingsHaveDefaults(t *testing.T) {
	got, err := readSettings(lookupIn(nil))
	shipped, _ := presets.Shipped()
	beside, _ := renderer.Beside()
	want := settings{port: 8080, s3Port: 9000, data: ".data", presets: shipped, limits: media.DefaultLimits(), renderer: beside}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWorkerHasTheTimeThatItHasOnLambda(t *testing.T) {
	var service struct {
		Functions map[string]struct{ Timeout int } // seconds
	}
	if err := yaml.Unmarshal(readFile(t, "../../serverless.yml"), &service); err != nil {
		t.Fatal(err)
	}
	if got := time.Duration(service.Functions["worker"].Timeout) * time.Second; got != workerTimeout {
		t.Errorf("%v in serverless.yml, %v here", got, workerTimeout)
	}
}

func TestEveryBadSettingIsToldAtOnce(t *testing.T) {
	_, err := readSettings(lookupIn(map[string]string{
		"PRESIZE_PORT":      "http",
		"PRESIZE_S3_PORT":   "65536",
		"PRESIZE_MAX_BYTES": "-1",
	}))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 {
		t.Errorf("got %q", lines)
	}
	for _, name := range []string{"PRESIZE_PORT", "PRESIZE_S3_PORT", "PRESIZE_MAX_BYTES"} {
		if !strings.Contains(err.Error(), name+"=") {
			t.Errorf("%s is not named in %q", name, lines)
		}
	}
}

func TestOnePortForBothIsRefused(t *testing.T) {
	_, err := readSettings(lookupIn(map[string]string{"PRESIZE_PORT": "9000"}))
	if err == nil || !strings.Contains(err.Error(), "are both 9000") {
		t.Errorf("got %v", err)
	}
}

// runError starts a stack that can't start and returns why, which is one line.
func runError(t *testing.T, settings settings) string {
	t.Helper()
	t.Chdir(t.TempDir())
	err := run(t.Context(), settings, io.Discard, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("it started")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	return err.Error()
}

func TestTakenPortIsToldWithWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	_, number, _ := net.SplitHostPort(taken.Addr().String())

	forPage, forS3 := freeSettings(t), freeSettings(t)
	forPage.port, forS3.s3Port = port, port
	for _, test := range []struct {
		settings settings
		want     string
	}{
		{forPage, "port " + number + " is taken: set PRESIZE_PORT to another one"},
		{forS3, "port " + number + " is taken: set PRESIZE_S3_PORT to another one"},
	} {
		if got := runError(t, test.settings); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestDataFolderThatCannotBeWrittenIsTold(t *testing.T) {
	settings := freeSettings(t)
	file := filepath.Join(settings.data, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	settings.data = filepath.Join(file, "data")
	if got := runError(t, settings); !strings.Contains(got, file) || !strings.Contains(got, "set PRESIZE_DATA") {
		t.Errorf("got %q", got)
	}
}

func TestDataFolderInUseIsTold(t *testing.T) {
	settings := freeSettings(t)
	other, err := openData(settings.data)
	if err != nil {
		t.Fatal(err)
	}
	if got := runError(t, settings); !strings.Contains(got, settings.data+" is in use by another presize") {
		t.Errorf("got %q", got)
	}
	if err := other.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openData(settings.data)
	if err != nil {
		t.Fatalf("not free after it was closed: %v", err)
	}
	if err := again.close(); err != nil {
		t.Fatal(err)
	}
}
