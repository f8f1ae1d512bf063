package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/presize/presize/deploy/presize/stage"
	"github.com/presize/presize/worker/notify"
)

// checkExisting looks for what the parameters need beside the stack, and what would be missed
// only when the stage runs. What CloudFormation needs itself, such as the certificate, it
// misses before it changes anything else.
func checkExisting(ctx context.Context, account aws.Config, c *call, overrides []string) (warnings []string, err error) {
	parameters, err := stage.Read(c.checkout, c.stage, overrides)
	if err != nil {
		return nil, nil // checkParameters has said so
	}
	if parameters.Value("webhookUrl") != "" {
		err = checkWebhookSecret(ctx, ssm.NewFromConfig(account), "/presize/"+c.stage+"/webhook-secret")
	}
	if arn := parameters.Value("inspectorArn"); arn != "" {
		warning, failure := checkInspector(ctx, lambda.NewFromConfig(account), arn)
		if warning != "" {
			warnings = append(warnings, warning)
		}
		err = errors.Join(err, failure)
	}
	if reserve, wrong := strconv.Atoi(parameters.Value("apiConcurrency")); wrong == nil { // its pattern has been checked
		err = errors.Join(err, checkReserved(ctx, lambda.NewFromConfig(account), "presize-"+c.stage+"-api", reserve))
	}
	return warnings, err
}

// checkWebhookSecret fails unless SSM has the secret that webhooks are signed with.
func checkWebhookSecret(ctx context.Context, client *ssm.Client, name string) error {
	out, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	var missing *ssmtypes.ParameterNotFound
	if errors.As(err, &missing) {
		return fmt.Errorf("webhookUrl needs a secret in SSM, and there is no parameter %[1]s. Make one:\n"+
			`  aws ssm put-parameter --type SecureString --name %[1]s --value "whsec_$(openssl rand -base64 32)"`, name)
	}
	if err != nil {
		return fmt.Errorf("webhookUrl: read the secret %s in SSM: %w", name, err)
	}
	if _, err := notify.ParseSecrets(aws.ToString(out.Parameter.Value)); err != nil { // says nothing of the secret itself
		return fmt.Errorf("webhookUrl: the parameter %s in SSM has no secret: %w", name, err)
	}
	return nil
}

// checkInspector fails if there is no such function, and warns if that can't be seen.
func checkInspector(ctx context.Context, client *lambda.Client, arn string) (warning string, err error) {
	_, err = client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &arn})
	var missing *lambdatypes.ResourceNotFoundException
	var response *awshttp.ResponseError
	switch {
	case errors.As(err, &missing):
		return "", fmt.Errorf("inspectorArn: there is no function %s", arn)
	case errors.As(err, &response) && response.HTTPStatusCode() == http.StatusForbidden:
		return "inspectorArn: it can't be seen whether the function exists: lambda:GetFunctionConfiguration on it is not allowed", nil
	case err != nil:
		return "", fmt.Errorf("inspectorArn: look for the function: %w", err)
	}
	return "", nil
}
