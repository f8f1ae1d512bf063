package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// Record returns the parameters of serverless.yml that the stack was deployed with, and
// their defaults at that time, from the metadata of its template
// (deploy/template/record.yml). Of a stack that was deployed before there was such a
// record, it returns those that are CloudFormation's parameters too. The error for a
// stack that does not exist is [ErrNone].
func (s Stack) Record(ctx context.Context) (parameters, defaults map[string]string, err error) {
	stack, err := s.describe(ctx)
	if err != nil {
		return nil, nil, err
	}
	text, err := s.Template(ctx)
	if err != nil {
		return nil, nil, err
	}
	var template struct {
		Metadata struct {
			Presize *struct {
				Parameters map[string]any `json:"parameters"`
				Defaults   map[string]any `json:"defaults"`
			} `json:"presize"`
		}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&template); err != nil {
		return nil, nil, fmt.Errorf("read the template of %s: %w", s.Name, err)
	}
	if record := template.Metadata.Presize; record != nil {
		return texts(record.Parameters), texts(record.Defaults), nil
	}
	parameters = make(map[string]string)
	for _, parameter := range stack.Parameters {
		name := aws.ToString(parameter.ParameterKey)
		parameters[strings.ToLower(name[:1])+name[1:]] = aws.ToString(parameter.ParameterValue)
	}
	return parameters, nil, nil
}

// Template returns the stack's template as JSON.
func (s Stack) Template(ctx context.Context) (string, error) {
	out, err := s.Client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &s.Name})
	if err != nil {
		return "", fmt.Errorf("get the template of %s: %w", s.Name, err)
	}
	return aws.ToString(out.TemplateBody), nil
}

// texts returns numbers and texts as text.
func texts(values map[string]any) map[string]string {
	texts := make(map[string]string)
	for name, value := range values {
		texts[name] = fmt.Sprint(value)
	}
	return texts
}
