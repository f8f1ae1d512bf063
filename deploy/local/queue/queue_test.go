package queue_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presize/presize/deploy/local/queue"
)

const visibility = 12 * time.Minute

// open returns a queue over two folders, and its dead-letter queue.
func open(t *testing.T, dir string) (work, dead *queue.Queue) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	dead, err := queue.Open(queue.Config{
		Name: "dead", Dir: filepath.Join(dir, "dead"), Visibility: time.Minute, Retention: 14 * 24 * time.Hour, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	work, err = queue.Open(queue.Config{
		Name: "work", Dir: filepath.Join(dir, "work"), Visibility: visibility, Retention: 4 * 24 * time.Hour,
		MaxReceives: 3, DeadLetters: dead, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return work, dead
}

func send(t *testing.T, q *queue.Queue, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if err := q.Send(t.Context(), body, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func receive(t *testing.T, q *queue.Queue) queue.Message {
	t.Helper()
	m, err := q.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func expectCount(t *testing.T, q *queue.Queue, visible, hidden int) {
	t.Helper()
	if v, h := q.Count(); v != visible || h != hidden {
		t.Errorf("queue %s: %d visible and %d hidden, want %d and %d", q.Name, v, h, visible, hidden)
	}
}

// pass lets time pass in a synctest bubble, where it takes none.
func pass(d time.Duration) { <-time.After(d) }

func TestMessageComesBackUnlessItIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _ := open(t, t.TempDir())
		send(t, q, "a", "b")
		began := time.Now()
		a, b := receive(t, q), receive(t, q)
		if a.Body != "a" || b.Body != "b" || a.Receives != 1 || time.Since(began) != 0 {
			t.Errorf("received %+v and %+v", a, b)
		}
		if err := q.Delete(t.Context(), a.Receipt); err != nil {
			t.Error(err)
		}
		again := receive(t, q) // waits for it
		if again.ID != b.ID || again.Receives != 2 || time.Since(began) != visibility || !again.FirstReceived.Equal(b.FirstReceived) {
			t.Errorf("received %+v after %v", again, time.Since(began))
		}
		for name, receipt := range map[string]string{"of the receive before": b.Receipt, "of what is deleted": a.Receipt, "none": "", "invented": b.ID + ".x"} {
			if err := q.Delete(t.Context(), receipt); !errors.Is(err, queue.ErrReceipt) {
				t.Errorf("delete with the receipt %s: %v", name, err)
			}
			if err := q.ChangeVisibility(t.Context(), receipt, 0); !errors.Is(err, queue.ErrReceipt) {
				t.Errorf("change visibility with the receipt %s: %v", name, err)
			}
		}
		expectCount(t, q, 0, 1)
	})
}

func TestVisibilityAndDelayDecideWhenAMessageIsReceived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _ := open(t, t.TempDir())
		if err := q.Send(t.Context(), "late", time.Hour); err != nil {
			t.Fatal(err)
		}
		send(t, q, "now")
		began := time.Now()
		var got []string
		for _, delay := range []time.Duration{5 * time.Second, 0, -1} {
			m := receive(t, q)
			got = append(got, fmt.Sprint(m.Body, " ", time.Since(began)))
			if delay < 0 {
				delay = 2 * time.Hour
			}
			if err := q.ChangeVisibility(t.Context(), m.Receipt, delay); err != nil {
				t.Fatal(err)
			}
		}
		m := receive(t, q)
		got = append(got, fmt.Sprint(m.Body, " ", time.Since(began)))
		if want := []string{"now 0s", "now 5s", "now 5s", "late 1h0m0s"}; !slices.Equal(got, want) {
			t.Errorf("received %q, want %q", got, want)
		}
	})
}

func TestMessageThatNobodyDeletesIsDeadLettered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, dead := open(t, t.TempDir())
		send(t, q, "a")
		first := receive(t, q)
		receive(t, q)
		receive(t, q)
		if visible, _ := dead.Count(); visible != 0 {
			t.Error("it is dead-lettered after its last receive, not by it")
		}
		send(t, q, "b")
		if m := receive(t, q); m.Body != "b" {
			t.Errorf("received %+v", m)
		}
		pass(visibility)
		if m := receive(t, q); m.Body != "b" {
			t.Errorf("received %+v", m)
		}
		m := receive(t, dead)
		if m.ID != first.ID || m.Body != "a" || m.Source != "work" || !m.Sent.Equal(first.Sent) {
			t.Errorf("dead-lettered %+v", m)
		}
		expectCount(t, q, 0, 1)
	})
}

func TestMessagesOutliveTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		q, _ := open(t, dir)
		for _, body := range []string{"deleted", "received", "put off", "waiting"} {
			send(t, q, body)
			pass(time.Millisecond) // the order is that of the times at which they were sent
		}
		for range 3 {
			m := receive(t, q)
			var err error
			switch m.Body {
			case "deleted":
				err = q.Delete(t.Context(), m.Receipt)
			case "put off":
				err = q.ChangeVisibility(t.Context(), m.Receipt, time.Hour)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		files := []string{"damaged.json", "renamed.json", "unfinished.part"}
		for _, name := range files {
			if err := os.WriteFile(filepath.Join(dir, "work", name), []byte(`{"id":"x"`), 0o600); err != nil {
				t.Fatal(err)
			}
		}

		q, _ = open(t, dir) // nothing of the first one was closed
		began := time.Now()
		var got []string
		for range 3 {
			m := receive(t, q)
			got = append(got, fmt.Sprint(m.Body, " ", m.Receives, " ", time.Since(began)))
			if err := q.Delete(t.Context(), m.Receipt); err != nil {
				t.Error(err)
			}
		}
		if want := []string{"received 2 0s", "waiting 1 0s", "put off 2 1h0m0s"}; !slices.Equal(got, want) {
			t.Errorf("received %q, want %q", got, want)
		}
		for _, name := range files {
			if _, err := os.Stat(filepath.Join(dir, "work", name)); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestMessageEndsWithItsRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _ := open(t, t.TempDir())
		send(t, q, "a")
		pass(4*24*time.Hour + time.Second)
		send(t, q, "b")
		if m := receive(t, q); m.Body != "b" {
			t.Errorf("received %+v", m)
		}
		expectCount(t, q, 0, 1)
	})
}

func TestNothingIsLostWhereADeadLetterQueueCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		q, dead := open(t, dir)
		if err := os.RemoveAll(dead.Dir); err != nil {
			t.Fatal(err)
		}
		if err := dead.Send(t.Context(), "x", 0); err == nil {
			t.Error("sent to a queue without a folder")
		}
		send(t, q, "a")
		for range 3 {
			receive(t, q)
		}
		pass(visibility)
		send(t, q, "b")
		if m := receive(t, q); m.Body != "b" {
			t.Errorf("received %+v", m)
		}
		if err := os.Mkdir(dead.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		receive(t, q) // it tries again
		if m := receive(t, dead); m.Body != "a" {
			t.Errorf("dead-lettered %+v", m)
		}
	})
}
