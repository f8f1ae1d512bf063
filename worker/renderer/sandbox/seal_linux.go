package sandbox

import (
	"fmt"
	"os"
	"runtime"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

func setLimit(resource int, limit uint64) error {
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit})
}

// Seal denies all threads of the process every call of the kernel but those that
// computing and talking over open pipes take. A denied call fails with EPERM. It is an
// error if the kernel has no seccomp filters.
func Seal() error {
	err := seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionErrno,
			Syscalls: []seccomp.SyscallGroup{
				{Action: seccomp.ActionAllow, Names: allowed(), NamesWithCondtions: conditional()},
				// glibc then makes threads by clone, whose flags a filter can read.
				{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: []string{"clone3"}},
			},
		},
	})
	if err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	return nil
}

// allowed are the calls that are harmless whatever their arguments are.
func allowed() []string {
	names := []string{
		// What is open already: pipes, and Go's poller.
		"read", "readv", "write", "writev", "close", "fstat", "lseek",
		"epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2",
		// Memory.
		"brk", "munmap", "mremap", "madvise", "mincore",
		// Threads of this process.
		"futex", "set_robust_list", "rseq", "gettid", "getpid", "sched_yield", "sched_getaffinity",
		"sched_getparam", "sched_getscheduler", "set_tid_address", "membarrier",
		"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
		// Time, chance and facts.
		"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "getrandom",
		"getrusage", "sysinfo", "uname", "getppid", "getuid", "geteuid", "getgid", "getegid",
		// The end.
		"exit", "exit_group",
	}
	if runtime.GOARCH == "amd64" {
		names = append(names, "arch_prctl", "epoll_wait", "time")
	}
	return names
}

// conditional are the calls that are allowed with some arguments only.
func conditional() []seccomp.NameWithConditions {
	is := func(argument uint32, value uint64) seccomp.Condition {
		return seccomp.Condition{Argument: argument, Operation: seccomp.Equal, Value: value}
	}
	has := func(argument uint32, bits uint64) seccomp.Condition {
		return seccomp.Condition{Argument: argument, Operation: seccomp.BitsSet, Value: bits}
	}
	hasNot := func(argument uint32, bits uint64) seccomp.Condition {
		return seccomp.Condition{Argument: argument, Operation: seccomp.BitsNotSet, Value: bits}
	}
	return []seccomp.NameWithConditions{
		// Memory, but none for new code.
		{Name: "mmap", Conditions: seccomp.ArgumentConditions{hasNot(2, unix.PROT_EXEC)}},
		{Name: "mprotect", Conditions: seccomp.ArgumentConditions{hasNot(2, unix.PROT_EXEC)}},
		// Threads, but no processes. The kernel wants the other two flags with this one.
		{Name: "clone", Conditions: seccomp.ArgumentConditions{has(0, unix.CLONE_THREAD)}},
		// Signals to own threads: Go preempts goroutines by them, and abort ends the process.
		{Name: "tgkill", Conditions: seccomp.ArgumentConditions{is(0, uint64(os.Getpid()))}},
		// The limits of this process may be read.
		{Name: "prlimit64", Conditions: seccomp.ArgumentConditions{is(0, 0), is(2, 0)}},
		{Name: "prctl", Conditions: seccomp.ArgumentConditions{is(0, unix.PR_SET_NAME)}},
		{Name: "prctl", Conditions: seccomp.ArgumentConditions{is(0, unix.PR_SET_VMA)}},
		{Name: "prctl", Conditions: seccomp.ArgumentConditions{is(0, unix.PR_GET_NO_NEW_PRIVS)}},
		{Name: "fcntl", Conditions: seccomp.ArgumentConditions{is(1, unix.F_GETFL)}},
		{Name: "fcntl", Conditions: seccomp.ArgumentConditions{is(1, unix.F_SETFL)}},
		{Name: "fcntl", Conditions: seccomp.ArgumentConditions{is(1, unix.F_GETFD)}},
	}
}
