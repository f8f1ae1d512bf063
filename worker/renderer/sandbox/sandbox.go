// Package sandbox takes away from the renderer's process what decoding does not need.
//
// The worker calls [ConfineThread] on the thread that starts the process, which
// denies access to files from the first instruction on. The process itself calls
// [Limit] first of all, and [Seal] when its libraries are initialized, before it reads
// the first original. [Check] tells what is denied then.
//
// Resource limits hold on every system. On Linux there are Landlock
// (https://docs.kernel.org/userspace-api/landlock.html) and seccomp filters
// (https://docs.kernel.org/userspace-api/seccomp_filter.html) where the kernel has
// them: each is tried, and what is missing is missing.
package sandbox

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// maxFiles is the highest number of a descriptor that a process may have, plus 1. It
// has four; the rest is for Go's poller.
const maxFiles = 16

// Limit sets the process's resource limits: memory in bytes, 0 for none, and processor
// time in its whole life. Files and core dumps are written with no bytes at all. The
// limit of processor time kills; memory beyond its limit can't be allocated.
//
// macOS has no limit of memory that it keeps to.
func Limit(memory int64, cpu time.Duration) error {
	seconds := uint64(cpu / time.Second)
	limits := map[int]uint64{
		syscall.RLIMIT_CPU:    seconds,
		syscall.RLIMIT_FSIZE:  0,
		syscall.RLIMIT_CORE:   0,
		syscall.RLIMIT_NOFILE: maxFiles,
	}
	if memory > 0 {
		limits[syscall.RLIMIT_DATA] = uint64(memory)
	}
	var failures []error
	for resource, limit := range limits {
		if err := setLimit(resource, limit); err != nil {
			failures = append(failures, fmt.Errorf("limit %d to %d: %w", resource, limit, err))
		}
	}
	return errors.Join(failures...)
}
