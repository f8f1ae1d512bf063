// Command undeploy removes what was deployed for a stage, after asking:
//
//	undeploy [-data] STAGE
//
// The stack goes; its buckets stay, with all that is in them. With -data they go too, and so do those that an
// earlier run left behind. Whoever runs it has to type the stage's name.
//
// The account and the region come from the environment, as for every AWS tool. It runs in the repository's root, and
// needs the packages in deploy/node_modules. `make undeploy` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/deploy/stack"
)

const osls = "deploy/node_modules/.bin/osls"

func main() {
	data := flag.Bool("data", false, "also delete the buckets, with all that is in them")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: undeploy [-data] STAGE")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || flag.Arg(0) == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Arg(0), *data); err != nil {
		fmt.Fprintln(os.Stderr, "undeploy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stage string, data bool) error {
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	return removal{
		stage:   stage,
		region:  account.Region,
		data:    data,
		stack:   stack.Stack{Client: cloudformation.NewFromConfig(account), Name: stack.Name(stage)},
		objects: s3.NewFromConfig(account),
		in:      os.Stdin,
		out:     os.Stdout,
		removeStack: func(ctx context.Context) error {
			cmd := exec.CommandContext(ctx, osls, "remove", "--stage", stage, "--region", account.Region)
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("osls remove: %w", err)
			}
			return nil
		},
	}.run(ctx)
}
