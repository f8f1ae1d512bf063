// Command clients uploads with every client that the documents promise, against the local stack:
// the code of api/MOBILE.md for Android and React Native, and clients that are generated from
// api/openapi.yaml for TypeScript and Go. The Swift code of api/MOBILE.md it only parses.
//
//	go run ./deploy/clients photo.jpg photo.heic
//
// make clients prepares what it needs, and runs it in the repository's root. The code of
// WorkManager is compiled against kotlin/Android.kt, because the Android SDK is not at hand.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// work is the folder in which the clients are built.
const work = "build/clients"

// trial is a client on trial. It returns what the client has said.
type trial struct {
	name string
	run  func(context.Context, job) (string, error)
}

// job is what every client uploads, and where.
type job struct {
	endpoint             string
	photo, heic, damaged string            // paths, absolute
	code                 map[string]string // of api/MOBILE.md, by the name of the file
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) != 2 {
		return fmt.Errorf("want a JPEG and a HEIC, got %q", args)
	}
	document, err := os.ReadFile("api/MOBILE.md")
	if err != nil {
		return err
	}
	j := job{photo: args[0], heic: args[1], code: codeOf(string(document))}
	if j.damaged, err = damage(j.photo); err != nil {
		return err
	}
	stack, err := startStack(ctx)
	if err != nil {
		return err
	}
	defer stack.stop()
	j.endpoint = stack.endpoint
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, t := range []trial{
		{"Kotlin, compiled and run", tryKotlin},
		{"TypeScript, generated and for Expo", tryTypeScript},
		{"Go, generated", tryGo},
		{"Swift, parsed only", parseSwift},
	} {
		group.Go(func() error {
			began := time.Now()
			said, err := t.run(ctx, j)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			fmt.Printf("%s, after %.0f s: %s\n", t.name, time.Since(began).Seconds(), strings.ReplaceAll(strings.TrimSpace(said), "\n", "; "))
			return nil
		})
	}
	return group.Wait()
}

// damage writes the first half of a photo.
func damage(photo string) (path string, err error) {
	content, err := os.ReadFile(photo)
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(filepath.Join(work, "damaged.jpg")); err != nil {
		return "", err
	}
	return path, writeFile(path, content[:len(content)/2])
}

func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// command runs a program in a folder, and returns what it prints.
func command(ctx context.Context, dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	var stderr bytes.Buffer
	c.Stderr = &stderr
	output, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", name, err, output, stderr.Bytes())
	}
	return string(output), nil
}
