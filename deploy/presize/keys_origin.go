package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/presize/presize/internal/origin"
)

// originSecrets returns the secret that goes with the key of each slot: CloudFront sends
// the one whose key signs, and the API accepts both. It makes those that are missing.
//
// CloudFormation reads them from SSM, which it can do for CloudFront with a String only.
// A SecureString would hide no more: CloudFront shows the secret to everyone who may read
// the configuration of the distribution.
func (k keyring) originSecrets(ctx context.Context, keys map[byte][]byte) (map[byte]string, error) {
	secrets := make(map[byte]string)
	for slot := range keys {
		name := k.origins + string(slot)
		out, err := k.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
		var missing *types.ParameterNotFound
		switch {
		case errors.As(err, &missing):
			secrets[slot] = origin.NewSecret()
			if _, err := k.client.PutParameter(ctx, &ssm.PutParameterInput{
				Name:        &name,
				Type:        types.ParameterTypeString,
				Value:       aws.String(secrets[slot]),
				Description: aws.String("Secret by which presize's API knows CloudFront"),
				Overwrite:   aws.Bool(false),
			}); err != nil {
				return nil, fmt.Errorf("store %s: %w", name, err)
			}
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", name, err)
		default:
			secrets[slot] = aws.ToString(out.Parameter.Value)
		}
	}
	return secrets, nil
}

// removeOriginSecret removes the secret of a slot, if there is one.
func (k keyring) removeOriginSecret(ctx context.Context, slot byte) error {
	name := k.origins + string(slot)
	_, err := k.client.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: &name})
	var missing *types.ParameterNotFound
	if err != nil && !errors.As(err, &missing) {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

// printDigests prints the parameters of the secrets, which are no secrets themselves.
func printDigests(out io.Writer, secrets map[byte]string) error {
	for _, slot := range []byte(slots) {
		secret, ok := secrets[slot]
		if !ok {
			continue
		}
		if _, err := fmt.Fprintf(out, "--param=originDigest%s=%s\n", strings.ToUpper(string(slot)), origin.Digest(secret)); err != nil {
			return err
		}
	}
	return nil
}
