package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// firefox is a headless Firefox with one tab. It is driven by Marionette, Firefox's own protocol
// below WebDriver: https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html.
type firefox struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	sent *int
}

// firefoxSettings keep Firefox from talking to anyone but the test.
const firefoxSettings = `
user_pref("marionette.port", 0);
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:1");
user_pref("toolkit.telemetry.server", "");
`

// openFirefox starts a Firefox with a profile of its own until the test ends.
func openFirefox(t *testing.T) firefox {
	t.Helper()
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("firefox-esr")
	if err != nil {
		if program, err = exec.LookPath("firefox"); err != nil {
			t.Fatal("Firefox is missing: install it (on Debian: apt-get install firefox-esr) and try again")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	command := exec.CommandContext(ctx, program, "--headless", "--marionette", "--no-remote", "--profile", profile)
	command.Env = append(os.Environ(), "HOME="+profile)
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait() // it was killed
	})
	conn := dialMarionette(t, ctx, filepath.Join(profile, "MarionetteActivePort"))
	t.Cleanup(func() { conn.Close() })
	f := firefox{t, conn, bufio.NewReader(conn), new(int)}
	if _, err := f.read(); err != nil { // it says hello
		t.Fatal(err)
	}
	f.do("WebDriver:NewSession", map[string]any{}, nil)
	f.do("WebDriver:SetTimeouts", map[string]any{"script": patience.Milliseconds()}, nil)
	return f
}

// dialMarionette connects as soon as Firefox has written the port to a file.
func dialMarionette(t *testing.T, ctx context.Context, file string) net.Conn {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		port, err := os.ReadFile(file)
		if err == nil && len(bytes.TrimSpace(port)) > 0 {
			conn, err := net.Dial("tcp", "127.0.0.1:"+string(bytes.TrimSpace(port)))
			if err != nil {
				t.Fatal(err)
			}
			return conn
		}
		select {
		case <-ctx.Done():
			t.Fatalf("Firefox did not start: %v", err)
		case <-tick.C:
		}
	}
}

// read returns the next message: its length in decimal digits, a colon, and JSON.
func (f firefox) read() ([]byte, error) {
	length, err := f.in.ReadString(':')
	if err != nil {
		return nil, err
	}
	var count int
	if _, err := fmt.Sscanf(length, "%d:", &count); err != nil {
		return nil, fmt.Errorf("length %q: %w", length, err)
	}
	message := make([]byte, count)
	_, err = io.ReadFull(f.in, message)
	return message, err
}

// do sends a command, and stores the value of its result in into, if that is not nil.
func (f firefox) do(name string, parameters map[string]any, into any) {
	f.t.Helper()
	*f.sent++
	message, err := json.Marshal([]any{0, *f.sent, name, parameters})
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f.conn, "%d:%s", len(message), message); err != nil {
		f.t.Fatal(err)
	}
	answer, err := f.read()
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	var failure *struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	var result struct {
		Value json.RawMessage `json:"value"`
	}
	var kind, id int
	err = json.Unmarshal(answer, &[]any{&kind, &id, &failure, &result})
	if failure != nil {
		f.t.Fatalf("%s: %s: %s", name, failure.Error, failure.Message)
	}
	if into != nil {
		err = errors.Join(err, json.Unmarshal(result.Value, into))
	}
	if err != nil {
		f.t.Fatalf("%s: %v: %s", name, err, answer)
	}
}

func (f firefox) navigate(url string) {
	f.t.Helper()
	f.do("WebDriver:Navigate", map[string]any{"url": url}, nil)
}

// pick gives files to an input, as a person does with the file dialog.
func (f firefox) pick(selector string, files ...string) {
	f.t.Helper()
	f.await(`document.querySelector(` + "`" + selector + "`" + `)`)
	var element map[string]string
	f.do("WebDriver:FindElement", map[string]any{"using": "css selector", "value": selector}, &element)
	for _, id := range element {
		f.do("WebDriver:ElementSendKeys", map[string]any{"id": id, "text": strings.Join(files, "\n")}, nil)
	}
}

// await waits until a JavaScript expression is true.
func (f firefox) await(expression string) {
	f.t.Helper()
	ask[bool](f, `new Promise((done) => { const look = () => (`+expression+` ? done(true) : setTimeout(look, 50)); look(); })`)
}

// ask returns what a JavaScript expression gives, or the promise that it is.
func ask[T any](f firefox, expression string) T {
	f.t.Helper()
	script := `const done = arguments[arguments.length - 1];
		Promise.resolve(` + expression + `).then((value) => done({ value }), (error) => done({ error: String(error) }));`
	var answer struct {
		Value T      `json:"value"`
		Error string `json:"error"`
	}
	f.do("WebDriver:ExecuteAsyncScript", map[string]any{"script": script, "args": []any{}}, &answer)
	if answer.Error != "" {
		f.t.Fatalf("%s: %s", expression, answer.Error)
	}
	return answer.Value
}
