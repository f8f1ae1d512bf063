package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestFileThatCannotBeReadIsNotRepeated(t *testing.T) {
	short := png(100)
	short.Bytes = 200
	reads := 0
	breaks := png(100)
	breaks.Content = readerAt(func(p []byte, at int64) (int, error) {
		if reads++; reads > 2 { // the head and the digest
			return 0, errors.New("input/output error")
		}
		return png(100).Content.ReadAt(p, at)
	})
	looks := 0
	changes := png(100)
	changes.Content = readerAt(func(p []byte, at int64) (int, error) {
		n, err := png(100).Content.ReadAt(p, at)
		if looks++; looks > 2 && n > 0 {
			p[n-1]++
		}
		return n, err
	})
	for name, file := range map[string]File{"too short": short, "breaks while it is sent": breaks, "changes before it is sent": changes} {
		h := newHarness(t, endpoint)
		if err := h.Send(t.Context(), NewUpload(), file, Settings{}); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
		if puts := h.faults.Sent("PUT"); len(puts) > 1 {
			t.Errorf("%s: sent %q", name, puts)
		}
	}
}

type readerAt func([]byte, int64) (int, error)

func (f readerAt) ReadAt(p []byte, at int64) (int, error) { return f(p, at) }

func TestTransferThatStallsIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		puts := 0
		c, err := New("https://images.example.com", Options{HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return answer(201, "application/json", `{"upload":{"method":"PUT","url":"https://storage.example.com","headers":{}}}`)(nil, nil)
			}
			if puts++; puts > 1 {
				_, err := io.Copy(io.Discard, r.Body)
				return &http.Response{StatusCode: 200, Body: http.NoBody}, err
			}
			for range 10 { // slow, but not stalled
				if _, err := r.Body.Read(make([]byte, 8)); err != nil {
					t.Error(err)
				}
				<-time.After(stallTimeout - time.Second)
			}
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		})}})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Send(t.Context(), NewUpload(), png(100), Settings{}); err != nil || puts != 2 {
			t.Errorf("after %d uploads: %v", puts, err)
		}
	})
}

// breaking is a connection that breaks once a number of bytes are written.
type breaking struct {
	net.Conn
	left *atomic.Int64
}

func (b breaking) Write(p []byte) (int, error) {
	if b.left.Add(-int64(len(p))) < 0 {
		b.Conn.Close()
	}
	return b.Conn.Write(p)
}

// TestConnectionThatBreaksInTheFileIsRepeated breaks the first connection at several places of a
// large file. The storage keeps nothing of a file that has not arrived whole.
func TestConnectionThatBreaksInTheFileIsRepeated(t *testing.T) {
	file := png(2 << 20)
	for _, after := range []int64{0, 100, 2000, 1 << 20, 2 << 20} {
		var left atomic.Int64
		left.Store(after)
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if strings.HasSuffix(endpoint, address) || left.Load() < 0 {
				return conn, err
			}
			return breaking{conn, &left}, err
		}
		h := newHarness(t, endpoint)
		h.http.Transport = transport
		upload := NewUpload()
		if err := h.Send(t.Context(), upload, file, Settings{}); err != nil {
			t.Errorf("after %d bytes: %v", after, err)
		}
		transport.CloseIdleConnections()
		if len(h.pauses) != 1 || running.arrivals(upload) != 1 || !bytes.Equal(running.original(t, upload), contentOf(t, file)) {
			t.Errorf("after %d bytes: repeated after pauses of %v", after, h.pauses)
		}
	}
}
