package sandbox

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What Landlock can deny, by the version of its interface that brought it: the access
// to files, and beside that TCP, abstract sockets and signals. Older kernels refuse to
// hear of what they don't know.
const (
	filesV1  = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1
	filesV2  = filesV1 | unix.LANDLOCK_ACCESS_FS_REFER
	filesV3  = filesV2 | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	filesV5  = filesV3 | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	netV4    = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	scopesV6 = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
)

// ConfineThread restricts the calling thread and the processes that it starts from now
// on: they may execute and read the executables, read the libraries, files or all that
// is below folders, and touch no other file. What does not exist is left out. Privileges
// that an executable brings, as by setuid, have no effect any more. Nothing of this can
// be undone: see [Apart].
//
// It is an error if the kernel has no Landlock. The rest holds then.
func ConfineThread(executables, libraries []string) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	rules, err := createRuleset()
	if err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	defer unix.Close(rules)
	var failures []error
	for _, path := range executables {
		failures = append(failures, allow(rules, path, unix.LANDLOCK_ACCESS_FS_EXECUTE|unix.LANDLOCK_ACCESS_FS_READ_FILE))
	}
	for _, path := range libraries {
		failures = append(failures, allow(rules, path, unix.LANDLOCK_ACCESS_FS_READ_FILE))
	}
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0); errno != 0 {
		return fmt.Errorf("landlock: restrict: %w", errno)
	}
	return nil
}

// Apart runs f on a thread of its own, which is never used again, and waits for its end.
// It is not the main thread: that one stands for the process where somebody signals it.
func Apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread() // while it is held, nothing else runs on it
			Apart(f)
			return
		}
		f()
	}()
	<-done
}

// createRuleset returns a set of rules that denies everything the kernel can deny.
func createRuleset() (int, error) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, errno
	}
	attributes := unix.LandlockRulesetAttr{Access_fs: filesV1}
	for _, step := range []struct {
		version            uintptr
		files, net, scopes uint64
	}{{2, filesV2, 0, 0}, {3, filesV3, 0, 0}, {4, filesV3, netV4, 0}, {5, filesV5, netV4, 0}, {6, filesV5, netV4, scopesV6}} {
		if version >= step.version {
			attributes = unix.LandlockRulesetAttr{Access_fs: step.files, Access_net: step.net, Scoped: step.scopes}
		}
	}
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes), 0)
	if errno != 0 {
		return 0, fmt.Errorf("create ruleset: %w", errno)
	}
	return int(rules), nil
}

// allow adds access to a file, or to all that is below a folder.
func allow(rules int, path string, access uint64) error {
	file, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(file)
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(file)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("allow %s: %w", path, errno)
	}
	return nil
}
