package statefile

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock locks a file for this process. Windows releases the lock when the process ends, even
// after a crash. Only one byte is locked, far behind every line: a locked range can't be
// read by others, such as a backup.
// https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-lockfileex
func lock(file *os.File) error {
	at := windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}
