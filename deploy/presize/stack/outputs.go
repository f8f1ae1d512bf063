package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// AddOutputs gives the stack of an import outputs with the names of its buckets. An import
// can't add any, and osls fails on a stack that has none. The wait takes at most timeout.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources.html
func (s Stack) AddOutputs(ctx context.Context, timeout time.Duration) error {
	text, err := s.Template(ctx)
	if err != nil {
		return err
	}
	var template map[string]any
	if err := json.Unmarshal([]byte(text), &template); err != nil {
		return fmt.Errorf("read the template of %s: %w", s.Name, err)
	}
	resources, _ := template["Resources"].(map[string]any)
	outputs := make(map[string]any)
	for id := range resources {
		outputs[id+"Name"] = map[string]any{"Value": map[string]any{"Ref": id}}
	}
	template["Outputs"] = outputs
	changed, err := json.Marshal(template)
	if err != nil {
		return err
	}
	if _, err := s.Client.UpdateStack(ctx, &cloudformation.UpdateStackInput{StackName: &s.Name, TemplateBody: aws.String(string(changed))}); err != nil {
		return fmt.Errorf("add outputs to %s: %w", s.Name, err)
	}
	complete := cloudformation.NewStackUpdateCompleteWaiter(s.Client, func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second, pause
	})
	if err := complete.Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &s.Name}, timeout); err != nil {
		return fmt.Errorf("wait for the outputs of %s: %w", s.Name, err)
	}
	return nil
}
