//go:build !quick

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// marionette is a connection to a Firefox. Marionette is Firefox's own protocol below WebDriver:
// https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html.
type marionette struct {
	conn net.Conn
	in   *bufio.Reader
	sent int // commands
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

// openFirefox starts a headless Firefox with a profile of its own until the test ends.
func openFirefox(t *testing.T) remote {
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
	m := &marionette{conn: conn, in: bufio.NewReader(conn)}
	if _, err := m.read(); err != nil { // it says hello
		t.Fatal(err)
	}
	r := remote{t, m.command}
	r.do("WebDriver:NewSession", map[string]any{}, nil)
	r.do("WebDriver:SetTimeouts", map[string]any{"script": patience.Milliseconds()}, nil)
	return r
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
func (m *marionette) read() ([]byte, error) {
	length, err := m.in.ReadString(':')
	if err != nil {
		return nil, err
	}
	var count int
	if _, err := fmt.Sscanf(length, "%d:", &count); err != nil {
		return nil, fmt.Errorf("length %q: %w", length, err)
	}
	message := make([]byte, count)
	_, err = io.ReadFull(m.in, message)
	return message, err
}

// command sends a command and returns the value of its result.
func (m *marionette) command(name string, parameters map[string]any) (json.RawMessage, error) {
	m.sent++
	message, err := json.Marshal([]any{0, m.sent, name, parameters})
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(m.conn, "%d:%s", len(message), message); err != nil {
		return nil, err
	}
	answer, err := m.read()
	if err != nil {
		return nil, err
	}
	var failure *struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	var result struct {
		Value json.RawMessage `json:"value"`
	}
	var kind, id int
	if err := json.Unmarshal(answer, &[]any{&kind, &id, &failure, &result}); err != nil {
		return nil, fmt.Errorf("%w: %s", err, answer)
	}
	if failure != nil {
		return nil, fmt.Errorf("%s: %s", failure.Error, failure.Message)
	}
	return result.Value, nil
}
