package main

import (
	"strings"
	"testing"

	"github.com/presize/presize/api/client"
)

func TestTransfersAreLinesWhereThereIsNoTerminal(t *testing.T) {
	var shown, stays strings.Builder
	all := newTransfers(&shown, &stays, 2, 198)
	l, ok := all.(*transferLines)
	if !ok {
		t.Fatalf("they are %T", all)
	}
	first, second := all.begin("a", 98), all.begin("b", 100)
	first.moved(client.Progress{Phase: client.Uploading, Done: 98, Total: 98})
	first.end()
	second.moved(client.Progress{Phase: client.Uploading, Done: 80, Total: 100})
	l.last = l.last.Add(-linesEvery)
	second.moved(client.Progress{Phase: client.Uploading, Done: 1, Total: 100}) // sent again
	second.moved(client.Progress{Phase: client.Hashing, Done: 50, Total: 100})
	if err := all.say("a is done"); err != nil {
		t.Fatal(err)
	}
	second.end()
	all.end()
	if got, want := shown.String(), "upload: 50.0 %, 1 of 2 files\n"; got != want {
		t.Errorf("shown %q, want %q", got, want)
	}
	if got := stays.String(); got != "a is done\n" {
		t.Errorf("stays %q", got)
	}
	if l.done != l.steps {
		t.Errorf("%d of %d steps are done in the end", l.done, l.steps)
	}
}
