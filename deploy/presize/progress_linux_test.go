package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/presize/presize/api/client"
)

// openTerminal returns both ends of a pseudoterminal.
// https://man7.org/linux/man-pages/man7/pty.7.html
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	control := func(request uintptr, value unsafe.Pointer) {
		t.Helper()
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request, uintptr(value)); errno != 0 {
			t.Fatal(errno)
		}
	}
	var unlock, number uint32
	size := [4]uint16{24, 100} // rows and columns
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	control(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

func TestProgressIsABarInATerminal(t *testing.T) {
	screen, terminal := openTerminal(t)
	p := newProgress(terminal, "backfill", "originals/a"+strings.Repeat("2", 24)+"a", false)
	if _, ok := p.(*bar); !ok {
		t.Fatalf("it is %T", p)
	}
	if _, ok := newProgress(terminal, "backfill", "", true).(*lines); !ok {
		t.Error("a bar would get mixed up with a listing")
	}
	p.show(position("originals/i"+strings.Repeat("2", 24)+"a"), "7 originals")
	p.end()
	terminal.Close()
	shown, err := io.ReadAll(screen) // ends with EIO when the terminal is closed
	if len(shown) == 0 {
		t.Fatal(err)
	}
	for _, want := range []string{"backfill", "44 %", "7 originals"} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("it does not show %q: %q", want, shown)
		}
	}
}

func TestTransfersAreBarsInATerminal(t *testing.T) {
	screen, terminal := openTerminal(t)
	all := newTransfers(terminal, terminal, 2, 200)
	if _, ok := all.(*transferBars); !ok {
		t.Fatalf("they are %T", all)
	}
	first, second := all.begin("photos/first.jpg", 100), all.begin("photos/second.jpg", 100)
	first.moved(client.Progress{Phase: client.Uploading, Done: 60, Total: 100})
	if err := all.say("an outcome"); err != nil {
		t.Fatal(err)
	}
	first.end()
	second.moved(client.Progress{Phase: client.Rendering, Done: 100, Total: 100})
	second.end()
	all.end()
	terminal.Close()
	shown, err := io.ReadAll(screen) // ends with EIO when the terminal is closed
	if len(shown) == 0 {
		t.Fatal(err)
	}
	for _, want := range []string{"upload", "100 %", "2 of 2 files", "an outcome"} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("it does not show %q: %q", want, shown)
		}
	}
}
