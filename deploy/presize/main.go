// Command presize is the operator's. It prepares and removes deployments, and looks
// after the uploads of one:
//
//	go run ./deploy/presize COMMAND [flags] [arguments]
//
// `presize -h` lists the commands, and `presize COMMAND -h` says what a command does,
// its flags, an example, and the IAM actions that it needs.
//
// The credentials and the region come from the environment, as for every AWS tool:
// AWS_PROFILE, AWS_REGION and so on. With --local it works on the local stack, whose
// data folder is PRESIZE_DATA (.data). The presets are those that it is built with:
// run it from the checkout that is deployed.
//
// Two commands are for the users of a service, and need only its URL: upload and delete.
//
// Exit codes: 0 done, 1 failed, 2 called in a wrong way, 3 rejected files (upload only).
// `go run` itself turns each failure into 1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/presize/presize/deploy/presets"
	"github.com/presize/presize/internal/media"
)

// command is one of the commands.
type command struct {
	name string
	// usage is what -h says, before the flags. Its first line is for the list of commands.
	usage string
	run   func(ctx context.Context, c *call) error
}

func commands() []command {
	return []command{
		{"check", checkUsage, runCheck},
		{"parameters", parametersUsage, runParameters},
		{"keys", keysUsage, runKeys},
		{"adopt", adoptUsage, runAdopt},
		{"publish", publishUsage, runPublish},
		{"rollback", rollbackUsage, runRollback},
		{"undeploy", undeployUsage, runUndeploy},
		{"backfill", backfillUsage, runBackfill},
		{"sweep", sweepUsage, runSweep},
		{"redrive", redriveUsage, runRedrive},
		{"status", statusUsage, runStatus},
		{"upload", uploadUsage, runUpload},
		{"delete", deleteUsage, runDelete},
	}
}

func main() {
	os.Exit(runUntilInterrupted(os.Args[1:], system{presets.Shipped, os.DirFS("."), os.LookupEnv, os.Stdin, os.Stdout, os.Stderr}))
}

// runUntilInterrupted is run until Ctrl-C.
func runUntilInterrupted(args []string, system system) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the process at once
	return run(ctx, args, system)
}

// system is the process around a command.
type system struct {
	presets        func() (media.Presets, error) // those of the service
	checkout       fs.FS                         // the repository's root
	lookup         func(string) (string, bool)   // of the environment
	stdin          io.Reader
	stdout, stderr io.Writer
}

// errUsage is the error of a wrong call.
var errUsage = errors.New("wrong call")

// run runs the command that args name, and returns the exit code.
func run(ctx context.Context, args []string, system system) int {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	if name == "help" && len(args) > 1 {
		name, args = args[1], []string{args[1], "-h"}
	}
	for _, command := range commands() {
		if command.name == name {
			return finish(command.run(ctx, newCall(command, args[1:], system)), command.name, system)
		}
	}
	if name == "-h" || name == "-help" || name == "--help" || name == "help" {
		printCommands(system.stdout)
		return 0
	}
	if name != "" {
		fmt.Fprintf(system.stderr, "presize: there is no command %q\n\n", name)
	}
	printCommands(system.stderr)
	return 2
}

// finish says why a command failed, and returns the exit code.
func finish(err error, name string, system system) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(system.stderr, "presize %s: %v\nSee presize %s -h.\n", name, err, name)
		return 2
	}
	fmt.Fprintf(system.stderr, "presize %s: %v\n", name, explain(err, name))
	if errors.Is(err, errRejected) {
		return 3
	}
	return 1
}

func printCommands(w io.Writer) {
	fmt.Fprint(w, "presize looks after deployments and their uploads.\n\nusage: presize COMMAND [flags] [arguments]\n\n")
	for _, command := range commands() {
		summary, _, _ := strings.Cut(command.usage, "\n")
		fmt.Fprintf(w, "  %-10s %s\n", command.name, summary)
	}
	fmt.Fprint(w, "\npresize COMMAND -h says more. Credentials and region come from the environment, as for every AWS tool.\n"+
		"Exit codes: 0 done, 1 failed, 2 called in a wrong way, 3 rejected files (upload only).\n")
}
