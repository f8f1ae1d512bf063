//go:build !quick

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/s3local/s3test"
)

// webKit is a session of a WebKitWebDriver.
type webKit struct {
	ctx context.Context
	url string // of the session, or of the driver before there is one
}

// openWebKit starts WebKitGTK's own small browser until the test ends. It has no headless mode,
// so it gets a screen of its own.
func openWebKit(t *testing.T) remote {
	t.Helper()
	// The test's own context ends before its clean-up, which needs the driver to end the browser.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	t.Cleanup(cancel)
	address := s3test.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	home := t.TempDir()
	start(t, ctx, exec.CommandContext(ctx, "WebKitWebDriver", "--port="+port),
		"DISPLAY="+startScreen(t, ctx), "HOME="+home, "XDG_RUNTIME_DIR="+home, "WEBKIT_DISABLE_COMPOSITING_MODE=1")

	browsers, err := filepath.Glob("/usr/lib/*/webkit2gtk-4.*/MiniBrowser")
	if err != nil || len(browsers) == 0 {
		t.Fatalf("WebKit's MiniBrowser is missing (%v): install it (on Debian: apt-get install webkit2gtk-driver) and try again", err)
	}
	w := &webKit{ctx, "http://127.0.0.1:" + port}
	var session struct {
		ID string `json:"sessionId"`
	}
	capabilities := map[string]any{"alwaysMatch": map[string]any{
		"webkitgtk:browserOptions": map[string]any{"binary": browsers[0], "args": []string{"--automation"}},
	}}
	value, err := w.awaitSession(capabilities)
	if err = errors.Join(err, json.Unmarshal(value, &session)); err != nil {
		t.Fatal(err)
	}
	w.url += "/session/" + session.ID
	r := remote{t, w.command}
	t.Cleanup(func() {
		if _, err := w.send("DELETE", "", nil); err != nil {
			t.Error(err)
		}
	})
	r.do("WebDriver:SetTimeouts", map[string]any{"script": patience.Milliseconds()}, nil)
	return r
}

// startScreen starts an X server without a screen and returns the name of its display.
func startScreen(t *testing.T, ctx context.Context) (display string) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	command := exec.CommandContext(ctx, "Xvfb", "-displayfd", "3", "-screen", "0", "1280x1000x24", "-nolisten", "tcp")
	command.ExtraFiles = []*os.File{writer}
	start(t, ctx, command)
	writer.Close()
	number, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb did not start: %v", err)
	}
	return ":" + strings.TrimSpace(number)
}

// start starts a program until the test ends.
func start(t *testing.T, ctx context.Context, command *exec.Cmd, environment ...string) {
	t.Helper()
	command.Env = append(os.Environ(), environment...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatalf("%v: install it (on Debian: apt-get install webkit2gtk-driver xvfb) and try again", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt) // it may have ended
		_ = command.Wait()
	})
}

// awaitSession begins a session as soon as the driver listens.
func (w *webKit) awaitSession(capabilities map[string]any) (json.RawMessage, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := w.send("GET", "/status", nil); err == nil {
			return w.send("POST", "/session", map[string]any{"capabilities": capabilities})
		}
		select {
		case <-w.ctx.Done():
			return nil, fmt.Errorf("WebKitWebDriver did not start: %w", w.ctx.Err())
		case <-tick.C:
		}
	}
}

func (w *webKit) command(name string, parameters map[string]any) (json.RawMessage, error) {
	path := map[string]string{
		"WebDriver:SetTimeouts":        "/timeouts",
		"WebDriver:Navigate":           "/url",
		"WebDriver:FindElement":        "/element",
		"WebDriver:ElementSendKeys":    fmt.Sprintf("/element/%v/value", parameters["id"]),
		"WebDriver:ExecuteAsyncScript": "/execute/async",
	}[name]
	return w.send("POST", path, parameters)
}

// send sends a request of the WebDriver protocol: https://www.w3.org/TR/webdriver2/#endpoints.
func (w *webKit) send(method, path string, parameters map[string]any) (json.RawMessage, error) {
	body, err := json.Marshal(parameters)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(w.ctx, method, w.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, answer.Value)
	}
	return answer.Value, nil
}
