package main

import (
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/presize/presize/api/client"
)

// transfers shows how far the uploads of many files are: as bars in a terminal, one for all
// and one for each file under way, and elsewhere as a line now and then.
type transfers interface {
	begin(name string, bytes int64) transfer
	say(line string) error // something that stays on the screen
	end()
}

// transfer shows how far one file is.
type transfer interface {
	moved(client.Progress)
	end()
}

// newTransfers returns the transfers of a number of files. They are shown on the one writer, and
// what stays is written to the other.
func newTransfers(shown, stays io.Writer, files int, bytes int64) transfers {
	total := &total{files: files, steps: bytes + int64(files), last: time.Now()}
	if !isTerminal(shown) {
		return &transferLines{total: total, shown: shown, stays: stays}
	}
	b := &transferBars{total: total, container: mpb.New(mpb.WithOutput(shown), mpb.WithWidth(30)), stays: stays}
	if isTerminal(stays) {
		b.stays = b.container // above the bars
	}
	b.bar = b.container.AddBar(total.steps, mpb.BarPriority(files),
		mpb.PrependDecorators(decor.Name("upload "), decor.Percentage()),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return total.String() })))
	return b
}

// total counts what is done of all files. Each byte is a step, and the end of each file is one.
type total struct {
	files int
	steps int64

	mu    sync.Mutex
	ended int       // files
	done  int64     // steps
	last  time.Time // when a line was written
}

func (t *total) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d of %s", t.ended, plural(t.files, "file"))
}

// add counts steps, which may be less than none when a file is sent again.
func (t *total) add(steps int64) (done int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done += steps
	return t.done
}

// one is what a transfer counts.
type one struct {
	*total
	bytes, sent int64
}

// move notes how far the file is, and returns the steps of all.
func (o *one) move(p client.Progress) (done int64) {
	sent := o.sent
	switch p.Phase {
	case client.Uploading, client.Rendering:
		o.sent = p.Done
	}
	return o.add(o.sent - sent)
}

func (o *one) finish() (done int64) {
	o.mu.Lock()
	o.ended++
	o.mu.Unlock()
	return o.add(o.bytes - o.sent + 1)
}

// transferLines is transfers as lines of text.
type transferLines struct {
	*total
	shown, stays io.Writer
}

func (l *transferLines) begin(_ string, bytes int64) transfer {
	return &transferLine{one{total: l.total, bytes: bytes}, l}
}

func (l *transferLines) say(line string) error {
	_, err := fmt.Fprintln(l.stays, line)
	return err
}

func (l *transferLines) end() {}

type transferLine struct {
	one
	all *transferLines
}

func (l *transferLine) moved(p client.Progress) {
	done := l.move(p)
	l.mu.Lock()
	due := time.Since(l.last) >= linesEvery
	if due {
		l.last = time.Now()
	}
	l.mu.Unlock()
	if due {
		fmt.Fprintf(l.all.shown, "upload: %.1f %%, %s\n", 100*float64(done)/float64(l.steps), l.total)
	}
}

func (l *transferLine) end() { l.finish() }

// transferBars is transfers as bars.
type transferBars struct {
	*total
	container *mpb.Progress
	bar       *mpb.Bar
	stays     io.Writer
}

func (b *transferBars) begin(name string, bytes int64) transfer {
	t := &transferBar{one: one{total: b.total, bytes: bytes}, all: b}
	t.bar = b.container.AddBar(max(bytes, 1), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(filepath.Base(name), decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			t.mu.Lock()
			defer t.mu.Unlock()
			return string(t.phase)
		})))
	return t
}

func (b *transferBars) say(line string) error {
	_, err := fmt.Fprintln(b.stays, line)
	return err
}

func (b *transferBars) end() {
	b.bar.Abort(false) // where it is, be that the end or not
	b.container.Wait()
}

type transferBar struct {
	one
	all   *transferBars
	bar   *mpb.Bar
	phase client.Phase // guarded by the total's mutex
}

func (t *transferBar) moved(p client.Progress) {
	t.mu.Lock()
	t.phase = p.Phase
	t.mu.Unlock()
	t.all.bar.SetCurrent(t.move(p))
	if p.Done < p.Total { // a bar that is full is removed, and images are still to come
		t.bar.SetCurrent(p.Done)
	}
}

func (t *transferBar) end() {
	t.all.bar.SetCurrent(t.finish())
	t.bar.Abort(true)
}
