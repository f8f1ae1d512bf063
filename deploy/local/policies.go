package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/presize/presize/deploy/local/operator"
	"github.com/presize/presize/deploy/template"
	"github.com/presize/presize/internal/s3local"
)

// The accounts of the S3 server, one for each part that has a role on AWS, and one
// for the operator.
const (
	apiAccount    = "presize-api"
	workerAccount = "presize-worker"
	edgeAccount   = "presize-edge"
	// operatorAccount is for presize --local.
	operatorAccount = "presize-operator"
)

// permissions are the statements of the roles on AWS and of the operator, by the
// account that stands for them.
type permissions map[string][]template.Statement

func readPermissions(deployment template.Deployment) (permissions, error) {
	api, err := deployment.RoleStatements("ApiRole")
	if err != nil {
		return nil, err
	}
	worker, err := deployment.RoleStatements("WorkerRole")
	if err != nil {
		return nil, err
	}
	edge, err := deployment.CloudFrontStatements()
	if err != nil {
		return nil, err
	}
	return permissions{
		apiAccount:      api,
		workerAccount:   worker,
		edgeAccount:     edge,
		operatorAccount: operator.Statements(deployment.InputBucket, deployment.OutputBucket),
	}, nil
}

// on returns the policy of one bucket. A role's statement can name both buckets, a
// bucket's policy only the bucket itself.
func (p permissions) on(bucket string) (policy []s3local.Statement) {
	arn := "arn:aws:s3:::" + bucket
	for account, statements := range p {
		for _, statement := range statements {
			var resources []string
			for _, resource := range statement.Resource {
				if resource == arn || strings.HasPrefix(resource, arn+"/") {
					resources = append(resources, resource)
				}
			}
			if len(resources) > 0 {
				policy = append(policy, s3local.Statement{
					Sid:       statement.Sid,
					Effect:    statement.Effect,
					Principal: account,
					Action:    statement.Action,
					Resource:  resources,
				})
			}
		}
	}
	return policy
}

// readCORS returns the CORS rule that the input bucket has on AWS, for the stack's page
// and the allowed origins.
func readCORS(deployment template.Deployment, settings settings) ([]types.CORSRule, error) {
	rule, err := deployment.UploadCORS()
	if err != nil {
		return nil, err
	}
	return []types.CORSRule{{
		AllowedOrigins: append([]string{fmt.Sprintf("http://localhost:%d", settings.port), fmt.Sprintf("http://127.0.0.1:%d", settings.port)},
			settings.allowedOrigins...),
		AllowedMethods: rule.AllowedMethods,
		AllowedHeaders: rule.AllowedHeaders,
		ExposeHeaders:  rule.ExposedHeaders,
		MaxAgeSeconds:  &rule.MaxAge,
	}}, nil
}
