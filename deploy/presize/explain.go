package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/presize/presize/deploy/presize/stack"
)

// The codes with which services refuse credentials, and what they are not allowed to do.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
var (
	refusedCredentials = []string{
		"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken",
		"SignatureDoesNotMatch", "InvalidSignatureException", "UnrecognizedClientException",
	}
	deniedActions = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
)

// explain says what an operator can do about an error of a command, where that is known.
func explain(err error, command string) error {
	code := ""
	var fault smithy.APIError
	if errors.As(err, &fault) {
		code = fault.ErrorCode()
	}
	switch text := err.Error(); {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case strings.Contains(text, "get credentials: "): // the SDK has no type for it
		return fmt.Errorf("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (%w)", err)
	case strings.Contains(text, "Missing Region"): // nor for this
		return fmt.Errorf("no region: set AWS_REGION, as in AWS_REGION=eu-central-1, or REGION for make (%w)", err)
	case slices.Contains(refusedCredentials, code):
		return fmt.Errorf("AWS does not take the credentials; are they expired? (%w)", err)
	case slices.Contains(deniedActions, code):
		return fmt.Errorf("%w\nThe credentials are not allowed to do that. See the IAM actions in presize %s -h", err, command)
	case errors.Is(err, stack.ErrNone):
		return fmt.Errorf("%w: are --stage and AWS_REGION right, and is the stage deployed?", err)
	}
	return err
}
