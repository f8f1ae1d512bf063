package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// oslsBucket is where osls puts the archives.
const oslsBucket = "ServerlessDeploymentBucket"

// writeStandalone packages a stage with the parameters' defaults, and writes the template for
// people who deploy without osls.
func writeStandalone(ctx context.Context, file string) error {
	compiled, err := compile(ctx, ".", packaging{name: "standalone", stage: "prod"})
	if err != nil {
		return err
	}
	template, err := standalone(compiled)
	if err != nil {
		return err
	}
	return os.WriteFile(file, template, 0o644)
}

// standalone turns a template of osls into one that takes the archives from any bucket: two
// parameters say which one, and below which prefix.
func standalone(compiled []byte) ([]byte, error) {
	var document map[string]any
	if err := json.Unmarshal(compiled, &document); err != nil {
		return nil, err
	}
	section := func(name string) map[string]any {
		found, _ := document[name].(map[string]any)
		return found
	}
	resources := section("Resources")
	for _, entries := range []map[string]any{resources, section("Outputs")} {
		maps.DeleteFunc(entries, func(name string, _ any) bool { return strings.HasPrefix(name, oslsBucket) })
	}
	// The key of the layer's archive in osls's bucket. The time is in it, so the template would never be the same twice.
	maps.DeleteFunc(section("Outputs"), func(name string, _ any) bool { return strings.HasSuffix(name, "S3Key") })
	archives := 0
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		properties, _ := resources[id].(map[string]any)["Properties"].(map[string]any)
		for _, name := range []string{"Code", "Content"} {
			source, _ := properties[name].(map[string]any)
			if key, ok := source["S3Key"].(string); ok {
				properties[name] = map[string]any{
					"S3Bucket": map[string]any{"Ref": "CodeBucket"},
					"S3Key":    map[string]any{"Fn::Sub": "${CodePrefix}" + path.Base(key)},
				}
				archives++
			}
		}
	}
	parameters := section("Parameters")
	if archives == 0 || parameters == nil {
		return nil, errors.New("the template has no archives or no parameters")
	}
	parameters["CodeBucket"] = map[string]any{"Type": "String", "Description": "The bucket with the archives of dist/"}
	// CloudFormation does not see that an archive has changed whose key is the same.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
	parameters["CodePrefix"] = map[string]any{"Type": "String", "AllowedPattern": "^.+/$",
		"Description": "What precedes their names in the bucket, with the slash at its end; another one for each release"}
	document["Rules"] = standaloneRules()
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, err
	}
	if strings.Contains(string(text), oslsBucket) {
		return nil, fmt.Errorf("the template still needs %s", oslsBucket)
	}
	return append(text, '\n'), nil
}
