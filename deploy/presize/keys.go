package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/internal/signed"
)

const keysUsage = `prepare the keys of signed URLs and the secret of the CDN for a deployment

  presize keys --stage prod
  presize keys --stage prod --rotate
  presize keys --stage prod --json > keys.json

It prints the parameters for osls, one a line; with --json as CloudFormation takes them,
in aws cloudformation create-stack --parameters file://keys.json. The private keys are
SecureStrings in SSM, from which only the API's role reads; the public ones become
parameters of the stack. The first deployment makes a key. With --rotate it is replaced,
in three deployments with waits between them, so that no URL that was signed stops
working. What to do next is printed to stderr. make deploy and make rotate-keys run it.

Each key has a companion, the secret by which the API knows CloudFront: a String in SSM,
which CloudFormation reads. Its digest and its version in SSM become parameters of the
stack. The command refuses if SSM does not have the secret that the stack was deployed
with.

IAM actions: cloudformation:DescribeStacks; ssm:GetParameter, ssm:PutParameter and
ssm:DeleteParameter on the parameters signing-key-a, signing-key-b, origin-secret-a and
origin-secret-b of /presize/STAGE/; with --rotate also cloudformation:GetTemplate and
cloudformation:ListStackResources, and s3:ListBucket and s3:GetObject on osls's bucket.
`

func runKeys(ctx context.Context, c *call) error {
	rotate := c.flags.Bool("rotate", false, "replace the key: one step of three")
	if _, err := c.parse(); err != nil {
		return err
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	k := keyring{
		stack:  stack.Stack{Client: cloudformation.NewFromConfig(account), Name: stack.Name(c.stage)},
		client: ssm.NewFromConfig(account),
		prefix: "/presize/" + c.stage + "/signing-key-",

		origins: "/presize/" + c.stage + "/origin-secret-",
	}
	if *rotate {
		release, _, err := openRelease(ctx, account, c.stage, c.stderr)
		if err != nil {
			return err
		}
		// A step that the functions have not taken yet must not be followed by the next one.
		if k.live, err = release.since(ctx); err != nil {
			return err
		}
	}
	parameters, err := k.prepare(ctx, *rotate, time.Now(), c.stderr)
	if err != nil {
		return err
	}
	if c.json {
		return c.document(cloudFormation(parameters))
	}
	for _, p := range parameters {
		fmt.Fprintf(c.stdout, "--param=%s=%s\n", p.name, p.value)
	}
	return nil
}

// keyring is the keys of a stage: in its stack and in SSM.
type keyring struct {
	stack  stack.Stack
	client *ssm.Client
	prefix string // of the names in SSM; a slot follows
	// origins is the same for the secrets that CloudFront sends to the API.
	origins string
	// live is since when the functions of the stack are live, if that is later than the stack's last change.
	live time.Time
}

// parameter is one of serverless.yml.
type parameter struct{ name, value string }

// prepare does the next step, and returns the parameters of its deployment.
func (k keyring) prepare(ctx context.Context, rotate bool, now time.Time, notes io.Writer) ([]parameter, error) {
	current, err := readStack(ctx, k.stack)
	if err != nil {
		return nil, err
	}
	if k.live.After(current.since) {
		current.since = k.live
	}
	keys, private, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := k.readOriginSecrets(ctx, keys, current.digests)
	if err != nil {
		return nil, err
	}
	var next step
	if rotate {
		next, err = planRotation(current, keys, now)
	} else {
		next, err = plan(current, keys)
	}
	if err != nil {
		return nil, err
	}
	if err := k.apply(ctx, next, private); err != nil {
		return nil, err
	}
	if err := k.matchOriginSecrets(ctx, private, secrets); err != nil {
		return nil, err
	}
	if next.next != "" {
		fmt.Fprintln(notes, "signing keys:", next.next)
	}
	parameters, err := keyParameters(next.signer, private)
	return append(parameters, originParameters(next.signer, secrets)...), err
}

// readStack returns what a stack has, the zero value if there is none.
func readStack(ctx context.Context, s stack.Stack) (deployed, error) {
	parameters, since, err := s.Parameters(ctx)
	if errors.Is(err, stack.ErrNone) {
		return deployed{}, nil
	}
	if err != nil {
		return deployed{}, err
	}
	current := deployed{public: make(map[byte]bool), digests: make(map[byte]string), since: since}
	for _, slot := range []byte(slots) {
		if parameters["SigningKey"+upper(slot)] != "" {
			current.public[slot] = true
		}
		current.digests[slot] = parameters["OriginDigest"+upper(slot)]
	}
	if signer := parameters["SigningKey"]; len(signer) == 1 {
		current.signer = signer[0]
	}
	return current, nil
}

// read returns when the key of each slot was made, and the keys as PEM.
func (k keyring) read(ctx context.Context) (stored, map[byte][]byte, error) {
	keys, private := make(stored), make(map[byte][]byte)
	for _, slot := range []byte(slots) {
		name := k.prefix + string(slot)
		out, err := k.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		var missing *types.ParameterNotFound
		if errors.As(err, &missing) {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", name, err)
		}
		keys[slot] = aws.ToTime(out.Parameter.LastModifiedDate)
		private[slot] = []byte(aws.ToString(out.Parameter.Value))
	}
	return keys, private, nil
}

// apply makes or removes the key that a step is about, in SSM and in private. A key that
// is there already is never overwritten.
func (k keyring) apply(ctx context.Context, next step, private map[byte][]byte) error {
	if next.create != 0 {
		key, err := signed.NewKey()
		if err != nil {
			return err
		}
		name := k.prefix + string(next.create)
		if _, err := k.client.PutParameter(ctx, &ssm.PutParameterInput{
			Name:        &name,
			Type:        types.ParameterTypeSecureString,
			Value:       aws.String(string(key)),
			Description: aws.String("Private key of presize's signed URLs"),
			Overwrite:   aws.Bool(false),
		}); err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
		private[next.create] = key
	}
	if next.remove != 0 {
		name := k.prefix + string(next.remove)
		if _, err := k.client.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: &name}); err != nil {
			return fmt.Errorf("delete %s: %w", name, err)
		}
		delete(private, next.remove)
		return k.removeOriginSecret(ctx, next.remove)
	}
	return nil
}

// keyParameters returns the parameters of the keys. A public key is the lines of its PEM
// between the first and the last, with commas between them.
func keyParameters(signer byte, private map[byte][]byte) ([]parameter, error) {
	parameters := []parameter{{"signingKey", string(signer)}}
	for _, slot := range []byte(slots) {
		key, ok := private[slot]
		if !ok {
			continue
		}
		public, err := signed.PublicKey(key)
		if err != nil {
			return nil, err
		}
		lines := strings.Split(strings.TrimSpace(string(public)), "\n")
		parameters = append(parameters, parameter{"signingKey" + upper(slot), strings.Join(lines[1:len(lines)-1], ",")})
	}
	return parameters, nil
}

func upper(slot byte) string { return strings.ToUpper(string(slot)) }

// stackParameter is a parameter as the AWS CLI and the API of CloudFormation take it.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html
type stackParameter struct {
	ParameterKey   string
	ParameterValue string
}

// cloudFormation returns parameters as those of the stack.
func cloudFormation(parameters []parameter) []stackParameter {
	var converted []stackParameter
	for _, p := range parameters {
		converted = append(converted, stackParameter{strings.ToUpper(p.name[:1]) + p.name[1:], p.value})
	}
	return converted
}
