// Verify packages the AWS deployment without an AWS account or a network, and checks the result.
//
// It runs the osls that deploy/package.json pins, against a loopback endpoint that answers like an account
// without deployments. Then it checks the CloudFormation template that osls has compiled. It prints one line
// for each failed check, and then exits with status 1.
//
// With a file's name it checks nothing, and writes the template there for people who deploy without osls.
//
// It runs in the repository's root, and needs the archives in dist/ and the packages in deploy/node_modules.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
)

// packagings are the two ways the parameters of serverless.yml can lie, none set and all. They are of different
// stages, so that both can be deployed to one account. No value is one that the template has anyway.
var packagings = []packaging{
	{"plain", "dev", []string{"signingKeyA=MIIBIjANBg,AQAB"}},
	{"every", "prod", []string{
		"domain=images.example.com",
		"certificateArn=arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000",
		"hostedZoneId=Z0123456789ABCDEFGHIJ",
		"hstsSubdomains=on",
		"permissionsBoundary=arn:aws:iam::123456789012:policy/boundary",
		"webAclArn=arn:aws:wafv2:us-east-1:123456789012:global/webacl/presize/00000000-0000-0000-0000-000000000000",
		"allowedOrigins=https://a.example,https://b.example",
		"signingKeyA=MIIBIjANBg,BQAB",
		"signingKeyB=MIIBIjANBg,CQAB",
		"signingKey=b",
		"originDigestA=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"originDigestB=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		"originVersion=2",
		"priceClass=PriceClass_All",
		"logRetentionDays=14",
		"maxBytes=1000000",
		"maxMegapixels=11",
		"maxFrames=12",
		"grantSeconds=61",
		"jwtIssuer=https://login.example.com/",
		"jwtAudience=presize,other",
		"apiRate=1234",
		"apiBurst=2345",
		"deleteRate=17",
		"apiConcurrency=51",
		"workerConcurrency=52",
		"heldAnswers=0",
		"chosen=heldAnswers",
		"originalsColdDays=33",
		"originalsExpireDays=366",
		"originalsUndeleteDays=9",
		"events=on",
		"webhookUrl=https://backend.example/hooks?from=presize",
		"inspectorArn=arn:aws:lambda:us-east-1:123456789012:function:inspect",
		"alarmEmail=ops@example.com",
		"monthlyBudget=321",
		"accessLogDays=91",
		"tracing=on",
	}},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	work := run
	if len(os.Args) == 2 {
		work = func(ctx context.Context) error { return writeStandalone(ctx, os.Args[1]) }
	}
	if err := work(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	failed := false
	for _, p := range packagings {
		compiled, err := compile(ctx, ".", p)
		if err != nil {
			return fmt.Errorf("packaging %s: %w", p.name, err)
		}
		var t template
		if err := json.Unmarshal(compiled, &t); err != nil {
			return fmt.Errorf("packaging %s: %w", p.name, err)
		}
		failures := append(check(t), checkParameters(t, p.params)...)
		for _, f := range failures {
			fmt.Printf("%s: %s\n", p.name, f)
		}
		failed = failed || len(failures) > 0
		fmt.Printf("%s: %d resources, %d checks failed\n", p.name, len(t.Resources), len(failures))
	}
	if failed {
		return errors.New("the template is not what the deployment promises")
	}
	return nil
}
