package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// child is the program in a process of its own.
type child struct {
	client
	command *exec.Cmd
	stdout  *bufio.Reader
	stderr  *bytes.Buffer // to be read when the process has ended
}

func startChild(t *testing.T, settings settings) child {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), childVariable+"=1",
		fmt.Sprintf("PRESIZE_PORT=%d", settings.port),
		fmt.Sprintf("PRESIZE_S3_PORT=%d", settings.s3Port),
		"PRESIZE_DATA="+settings.data,
		"PRESIZE_WEBHOOK_URL="+settings.backend.webhookURL,
		"PRESIZE_WEBHOOK_SECRET="+strings.Join(settings.backend.secrets, " "),
	)
	stderr := new(bytes.Buffer)
	command.Stderr = io.MultiWriter(t.Output(), stderr)
	pipe, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	stdout := bufio.NewReader(pipe)
	return child{newClient(t, readyURL(t, stdout)), command, stdout, stderr}
}

// stop sends a signal and returns how the process ended.
func (c child) stop(signal os.Signal) error {
	c.t.Helper()
	if err := c.command.Process.Signal(signal); err != nil {
		c.t.Fatal(err)
	}
	if rest, err := io.ReadAll(c.stdout); err != nil || len(rest) > 0 {
		c.t.Errorf("after the first line: %q, %v", rest, err)
	}
	return c.command.Wait()
}

func TestUploadCutOffByAKillIsFinishedAfterTheRestart(t *testing.T) {
	original := phototest.Read(t, "test_exif_full.jpg")
	settings := freeSettings(t)

	first := startChild(t, settings)
	upload := first.upload(media.JPEG, original)
	if response, _ := first.send("GET", media.URL(media.ManifestKey(upload.ID)), nil); response.StatusCode != http.StatusNotFound {
		t.Fatalf("there is nothing left to cut off: %s", response.Status)
	}
	if err := first.stop(os.Kill); err == nil {
		t.Fatal("the process was not killed")
	}

	second := startChild(t, settings)
	m := second.await(upload.ID, func(m media.Manifest) bool { return m.Complete })
	for _, variant := range m.Variants {
		if response, body := second.send("GET", variant.URL, nil); int64(len(body)) != variant.Bytes {
			t.Errorf("%s: %s, %d bytes", variant.URL, response.Status, len(body))
		}
	}
	if err := second.stop(os.Interrupt); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

func TestUploadsOutliveARestart(t *testing.T) {
	original := phototest.Read(t, "test.png")
	settings := freeSettings(t)

	first := startChild(t, settings)
	upload := first.upload(media.PNG, original)
	before := first.await(upload.ID, func(m media.Manifest) bool { return m.Complete })
	if err := first.stop(os.Interrupt); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}

	second := startChild(t, settings)
	after := second.await(upload.ID, func(m media.Manifest) bool { return m.Complete })
	if strings.Join(urls(after.Variants), " ") != strings.Join(urls(before.Variants), " ") {
		t.Errorf("variants are %q, were %q", urls(after.Variants), urls(before.Variants))
	}
	if response, _ := second.send("GET", after.Variants[0].URL, nil); response.StatusCode != http.StatusOK {
		t.Errorf("variant: %s", response.Status)
	}
	if err := second.stop(os.Interrupt); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

func TestCtrlCInTheMiddleOfAnUploadStopsAtOnce(t *testing.T) {
	settings := freeSettings(t)
	stack := startChild(t, settings)
	// More than the buffers between both sides hold: the server is reading when it is written.
	const sent, total = 20 << 20, 30 << 20
	var g granted
	request := fmt.Appendf(nil, `{"contentType":"image/jpeg","bytes":%d}`, total)
	stack.sendJSON("POST", "/api/v1/uploads", request, http.StatusCreated, &g, "Content-Type", "application/json")
	body, client := io.Pipe()
	put, err := http.NewRequestWithContext(stack.ctx, g.Upload.Method, g.Upload.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	put.ContentLength = total
	for name, value := range g.Upload.Headers {
		put.Header.Set(name, value)
	}
	answered := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(put)
		if err == nil {
			err = response.Body.Close()
		}
		answered <- err
	}()
	if _, err := client.Write(make([]byte, sent)); err != nil {
		t.Fatal(err)
	}

	if err := stack.stop(os.Interrupt); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	client.Close()
	if err := <-answered; err == nil {
		t.Error("the client takes the upload for a success")
	}
	said := stack.stderr.String()
	if !strings.Contains(said, "uploads cut off") || strings.Contains(said, "INTERNAL ERROR") {
		t.Errorf("it said %q", said)
	}
}
