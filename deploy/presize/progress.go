package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/presize/presize/internal/media"
)

// progress shows how far a command is: as a bar in a terminal, and elsewhere, as in a
// log, as a line now and then.
type progress interface {
	// show says how much is done, from 0 to 1, with what people want to know beside it.
	show(at float64, text string)
	end()
}

// linesEvery is how often a line is written where there is no terminal.
const linesEvery = 30 * time.Second

// newProgress returns the progress of a command that goes on behind a key, or begins
// where that is empty. A bar
// would get mixed up with what a listing command writes to the same terminal.
func newProgress(w io.Writer, name, from string, listing bool) progress {
	e := estimate{from: position(from), began: time.Now()}
	if isTerminal(w) && !listing {
		return newBar(w, name, e)
	}
	return &lines{w: w, name: name, estimate: e, last: e.began}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// lines is progress as lines of text.
type lines struct {
	w        io.Writer
	name     string
	estimate estimate
	last     time.Time // when a line was written
}

func (l *lines) show(at float64, text string) {
	if time.Since(l.last) < linesEvery {
		return
	}
	l.last = time.Now()
	fmt.Fprintf(l.w, "%s: %.1f %%, %s, %s\n", l.name, 100*at, text, l.estimate.left(at))
}

func (l *lines) end() {}

// bar is progress as a bar.
type bar struct {
	container *mpb.Progress
	bar       *mpb.Bar

	mu         sync.Mutex
	text, left string
	estimate   estimate
}

// barSteps is what the bar counts to.
const barSteps = 1 << 20

func newBar(w io.Writer, name string, e estimate) *bar {
	b := &bar{container: mpb.New(mpb.WithOutput(w), mpb.WithWidth(30)), estimate: e}
	b.bar = b.container.AddBar(barSteps,
		mpb.PrependDecorators(decor.Name(name+" "), decor.Percentage()),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.text + b.left
		})),
	)
	b.bar.SetCurrent(int64(e.from * barSteps))
	b.bar.SetRefill(int64(e.from * barSteps)) // what an earlier run has done looks different
	return b
}

func (b *bar) show(at float64, text string) {
	b.mu.Lock()
	b.text, b.left = text, ", "+b.estimate.left(at)
	b.mu.Unlock()
	b.bar.SetCurrent(int64(at * barSteps))
}

func (b *bar) end() {
	b.mu.Lock()
	b.left = ""
	b.mu.Unlock()
	b.bar.Abort(false) // where it is, be that the end or not
	b.container.Wait()
}

// keyOrder is the alphabet of ids, in the order in which S3 lists keys.
const keyOrder = "234567abcdefghijklmnopqrstuvwxyz"

// position returns where in the list of all keys one stands, from 0 to 1. Ids are
// random, so that the share of the keys before it is the share of the work.
func position(key string) float64 {
	_, rest, _ := strings.Cut(key, "/")
	id, _, _ := strings.Cut(rest, "/")
	if _, err := media.ParseID(id); err != nil {
		return 0
	}
	at, width := 0.0, 1.0
	for _, letter := range id[:4] {
		width /= float64(len(keyOrder))
		at += width * float64(strings.IndexRune(keyOrder, letter))
	}
	return at
}

// estimate says how long the rest will take, at the speed so far.
type estimate struct {
	from  float64 // the position at which this run began
	began time.Time
}

func (e estimate) left(at float64) string {
	elapsed := time.Since(e.began)
	if at <= e.from || elapsed < time.Second {
		return "no estimate yet"
	}
	return "about " + about(time.Duration(float64(elapsed)/(at-e.from)*(1-at))) + " left"
}
