package renderer

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/presize/presize/worker/renderer/sandbox"
)

// shield keeps other processes of the same user from reading this one's memory and
// environment, where the credentials are: a renderer that has broken out of everything
// else is one.
func shield() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// attributes let a process end with this one.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// confine restricts the calling thread, and so the process that it starts, to the files
// that a renderer is made of. The thread must not be used for anything else.
func confine(config Config) error {
	executables, libraries, err := parts(config)
	if err != nil {
		return err
	}
	return sandbox.ConfineThread(executables, libraries)
}

// parts returns what the kernel and the loader read to start a program: the files
// that are executed, and the folders and files that libraries come from.
func parts(config Config) (executables, libraries []string, err error) {
	program, err := elf.Open(config.Path)
	if err != nil {
		return nil, nil, err
	}
	defer program.Close()
	executables = []string{config.Path}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			name := make([]byte, segment.Filesz)
			if _, err := segment.ReadAt(name, 0); err != nil {
				return nil, nil, err
			}
			executables = append(executables, strings.TrimRight(string(name), "\x00"))
		}
	}
	libraries = []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"}
	libraries = append(libraries, strings.Split(config.Libraries, ":")...)
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		paths, err := program.DynString(tag)
		if err != nil {
			continue // a static program has none
		}
		for _, path := range paths {
			libraries = append(libraries, strings.Split(path, ":")...)
		}
	}
	return executables, libraries, nil
}

// usage returns the memory that a process has in use, in bytes, and the processor time
// that it has taken; proc(5). Both are 0 of a process that has ended.
func usage(pid int) (resident int64, cpu time.Duration) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	stat, statErr := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Join(err, statErr) != nil {
		return 0, 0
	}
	const tick = time.Second / 100 // USER_HZ, the same on every architecture of Go
	pages := strings.Fields(string(statm))
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])) // from the third on
	if len(pages) < 2 || len(fields) < 13 {
		return 0, 0
	}
	number := func(s string) int64 {
		n, _ := strconv.ParseInt(s, 10, 64) // the kernel writes numbers
		return n
	}
	return number(pages[1]) * int64(os.Getpagesize()), time.Duration(number(fields[11])+number(fields[12])) * tick
}
