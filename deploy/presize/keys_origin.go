package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/presize/presize/internal/origin"
)

// originSecret is a secret by which the API knows CloudFront, and its version in SSM.
type originSecret struct {
	value   string
	version int64
}

// readOriginSecrets returns the secrets that SSM has, by slot. It fails if that of a key is
// not the one that the stack was deployed with: the API would refuse every request until
// CloudFront sends the other one.
func (k keyring) readOriginSecrets(ctx context.Context, keys stored, digests map[byte]string) (map[byte]originSecret, error) {
	secrets := make(map[byte]originSecret)
	for _, slot := range []byte(slots) {
		name := k.origins + string(slot)
		out, err := k.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
		var missing *types.ParameterNotFound
		if err != nil && !errors.As(err, &missing) {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if err == nil {
			secrets[slot] = originSecret{aws.ToString(out.Parameter.Value), out.Parameter.Version}
		}
		if digest := digests[slot]; !keys[slot].IsZero() && digest != "" && digest != origin.Digest(secrets[slot].value) {
			return nil, fmt.Errorf("%s in SSM is not the secret that %s was deployed with: put the old one back. "+
				"Its digest is %s, and CloudFront still sends it: aws cloudfront get-distribution-config shows it as %s",
				name, k.stack.Name, digest, origin.Header)
		}
	}
	return secrets, nil
}

// matchOriginSecrets makes secrets have one for each key, and no other: CloudFront sends the
// one whose key signs, and the API accepts both.
//
// CloudFormation reads them from SSM, which it can do for CloudFront with a String only.
// A SecureString would hide no more: CloudFront shows the secret to everyone who may read
// the configuration of the distribution.
func (k keyring) matchOriginSecrets(ctx context.Context, keys map[byte][]byte, secrets map[byte]originSecret) error {
	maps.DeleteFunc(secrets, func(slot byte, _ originSecret) bool { return keys[slot] == nil })
	for slot := range keys {
		if _, ok := secrets[slot]; ok {
			continue
		}
		name, value := k.origins+string(slot), origin.NewSecret()
		out, err := k.client.PutParameter(ctx, &ssm.PutParameterInput{
			Name:        &name,
			Type:        types.ParameterTypeString,
			Value:       &value,
			Description: aws.String("Secret by which presize's API knows CloudFront"),
			Overwrite:   aws.Bool(false),
		})
		if err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
		secrets[slot] = originSecret{value, out.Version}
	}
	return nil
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

// originParameters returns the parameters of the secrets, which are no secrets themselves.
func originParameters(signer byte, secrets map[byte]originSecret) []parameter {
	parameters := []parameter{{"originVersion", strconv.FormatInt(secrets[signer].version, 10)}}
	for _, slot := range []byte(slots) {
		if secret, ok := secrets[slot]; ok {
			parameters = append(parameters, parameter{"originDigest" + upper(slot), origin.Digest(secret.value)})
		}
	}
	return parameters
}
