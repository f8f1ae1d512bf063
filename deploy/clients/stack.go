package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// stack is the local stack in a process of its own, over an empty folder.
type stack struct {
	endpoint string
	command  *exec.Cmd
	dir      string
}

func startStack(ctx context.Context) (*stack, error) {
	dir, err := os.MkdirTemp("", "presize-clients-")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(work, "stack.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has a copy
	var ports [2]string
	for i := range ports {
		listener, err := net.Listen("tcp", "localhost:0")
		if err != nil {
			return nil, err
		}
		_, ports[i], _ = net.SplitHostPort(listener.Addr().String())
		listener.Close()
	}
	s := &stack{command: exec.CommandContext(ctx, "build/bin/presize"), dir: dir}
	s.command.Env = append(os.Environ(), "PRESIZE_PORT="+ports[0], "PRESIZE_S3_PORT="+ports[1], "PRESIZE_DATA="+dir)
	s.command.Stderr = log
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	endpoint, ok := strings.CutPrefix(strings.TrimSpace(line), "presize is ready: ")
	if !ok {
		s.stop()
		return nil, fmt.Errorf("the local stack did not come up: %q, %w; see %s", line, err, log.Name())
	}
	s.endpoint = endpoint
	return s, nil
}

// stop ends the stack. How it ends says nothing of the clients.
func (s *stack) stop() {
	_ = s.command.Process.Signal(syscall.SIGTERM)
	_ = s.command.Wait()
	_ = os.RemoveAll(s.dir)
}
