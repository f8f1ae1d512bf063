package sandbox

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Check tries what a decoder never needs, in ways that do no harm where they succeed,
// and reports by name what is denied.
func Check() map[string]bool {
	denied := make(map[string]bool)
	for name, try := range attempts() {
		err := try()
		denied[name] = errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
	}
	for name, resource := range map[string]int{
		"memory": unix.RLIMIT_DATA, "processor time": unix.RLIMIT_CPU, "file size": unix.RLIMIT_FSIZE,
		"core dumps": unix.RLIMIT_CORE, "descriptors": unix.RLIMIT_NOFILE,
	} {
		var limit unix.Rlimit
		err := unix.Prlimit(0, resource, nil, &limit)
		denied[name] = err == nil && limit.Max != unix.RLIM_INFINITY
	}
	return denied
}

// attempts are calls by what they try. Each fails with another error where it is allowed,
// or does nothing.
func attempts() map[string]func() error {
	const absent = "/nonexistent"
	open := func(path string, flags int) error {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
	socket := func(family int) error {
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
	call := func(number uintptr, args ...uintptr) error {
		args = append(args, 0, 0, 0, 0)
		if _, _, errno := unix.Syscall6(number, args[0], args[1], args[2], args[3], 0, 0); errno != 0 {
			return errno
		}
		return nil
	}
	return map[string]func() error{
		"reading files":      func() error { return open("/etc/passwd", unix.O_RDONLY) },
		"writing files":      func() error { return open("/dev/null", unix.O_WRONLY) },
		"creating files":     func() error { return unix.Mkdir(".", 0o700) },
		"internet":           func() error { return socket(unix.AF_INET) },
		"unix sockets":       func() error { return socket(unix.AF_UNIX) },
		"connecting":         func() error { return unix.Connect(-1, &unix.SockaddrInet4{Port: 9}) },
		"executing":          func() error { return unix.Exec(absent, []string{absent}, nil) },
		"processes":          func() error { return call(unix.SYS_CLONE, unix.CLONE_SIGHAND) },           // nonsense without CLONE_VM
		"tracing":            func() error { return call(unix.SYS_PTRACE, unix.PTRACE_ATTACH, 1<<31-1) }, // no such process
		"signals":            func() error { return unix.Kill(unix.Getppid(), 0) },
		"signals to threads": func() error { return call(unix.SYS_TGKILL, uintptr(unix.Getppid()), uintptr(unix.Getppid()), 0) },
		"memory of others":   func() error { return call(unix.SYS_PROCESS_VM_READV, uintptr(unix.Getppid())) },
		"raising limits":     func() error { return unix.Prlimit(0, unix.RLIMIT_CORE, &unix.Rlimit{}, nil) },
		"new code": func() error {
			memory, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
			if err == nil {
				err = unix.Munmap(memory)
			}
			return err
		},
		"new privileges": func() error { return privileges() },
	}
}

// privileges is denied where no executable gives any.
func privileges() error {
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err == nil && set == 1 {
		return unix.EPERM
	}
	return err
}
