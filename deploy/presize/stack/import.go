package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

const bucketType = "AWS::S3::Bucket"

// Import makes the stack of buckets that exist. It takes their names
// by their ids in the template. Two waits take at most timeout each. A stack that an import
// has left empty may exist.
//
// Of a bucket, the stack's template says its name and what keeps it private: CloudFormation
// goes back to this template where the next update fails. That update sets everything else.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html
func (s Stack) Import(ctx context.Context, buckets map[string]string, timeout time.Duration) error {
	resources := make(map[string]any)
	var imported []types.ResourceToImport
	for _, id := range slices.Sorted(maps.Keys(buckets)) {
		name := map[string]string{"BucketName": buckets[id]}
		properties := private()
		properties["BucketName"] = buckets[id]
		resources[id] = map[string]any{"Type": bucketType, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "Properties": properties}
		imported = append(imported, types.ResourceToImport{
			ResourceType: aws.String(bucketType), LogicalResourceId: &id, ResourceIdentifier: name,
		})
	}
	template, err := json.Marshal(map[string]any{"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
	if err != nil {
		return err
	}
	change := aws.String(fmt.Sprintf("adopt-%d", time.Now().UnixNano()))
	if _, err := s.Client.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{
		StackName: &s.Name, ChangeSetName: change, ChangeSetType: types.ChangeSetTypeImport,
		TemplateBody: aws.String(string(template)), ResourcesToImport: imported,
	}); err != nil {
		return fmt.Errorf("plan the import into %s: %w", s.Name, err)
	}
	created := cloudformation.NewChangeSetCreateCompleteWaiter(s.Client, func(o *cloudformation.ChangeSetCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second, pause
	})
	if err := created.Wait(ctx, &cloudformation.DescribeChangeSetInput{StackName: &s.Name, ChangeSetName: change}, timeout); err != nil {
		return fmt.Errorf("wait for the plan of the import into %s: %w", s.Name, err)
	}
	if _, err := s.Client.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: &s.Name, ChangeSetName: change}); err != nil {
		return fmt.Errorf("import into %s: %w", s.Name, err)
	}
	complete := cloudformation.NewStackImportCompleteWaiter(s.Client, func(o *cloudformation.StackImportCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second, pause
	})
	if err := complete.Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &s.Name}, timeout); err != nil {
		return fmt.Errorf("wait for the import into %s: %w", s.Name, err)
	}
	return nil
}

// private returns the properties that keep a bucket private, as in deploy/template/buckets.yml;
// a test compares.
func private() map[string]any {
	return map[string]any{
		"PublicAccessBlockConfiguration": map[string]any{
			"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
		},
		"OwnershipControls": map[string]any{"Rules": []any{map[string]any{"ObjectOwnership": "BucketOwnerEnforced"}}},
		"BucketEncryption": map[string]any{"ServerSideEncryptionConfiguration": []any{
			map[string]any{"ServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "AES256"}},
		}},
	}
}

// pause is the longest pause between two looks at what CloudFormation is doing.
const pause = 5 * time.Second

// Unprotect ends the stack's protection from deletion, if it has one.
func (s Stack) Unprotect(ctx context.Context) error {
	stack, err := s.describe(ctx)
	if err != nil || !aws.ToBool(stack.EnableTerminationProtection) {
		return err
	}
	_, err = s.Client.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{
		StackName: &s.Name, EnableTerminationProtection: aws.Bool(false),
	})
	if err != nil {
		return fmt.Errorf("end the protection of %s from deletion: %w", s.Name, err)
	}
	return nil
}
