//go:build !linux

package renderer

import (
	"syscall"
	"time"
)

func shield() {}

func attributes() *syscall.SysProcAttr { return nil }

func confine(Config) error { return nil }

// usage is not known here: a process is replaced by the number of its renders.
func usage(int) (resident int64, cpu time.Duration) { return 0, 0 }
