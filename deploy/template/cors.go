package template

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// CORSRule is what pages of other origins may do. Which origins these are is not part
// of it.
type CORSRule struct {
	AllowedMethods []string `yaml:"AllowedMethods"`
	AllowedHeaders []string `yaml:"AllowedHeaders"`
	ExposedHeaders []string `yaml:"ExposedHeaders"`
	MaxAge         int32    `yaml:"MaxAge"` // seconds
}

// UploadCORS returns the rule that lets pages upload to the input bucket.
func (d Deployment) UploadCORS() (CORSRule, error) {
	var properties struct {
		CorsConfiguration struct {
			CorsRules []CORSRule `yaml:"CorsRules"`
		} `yaml:"CorsConfiguration"`
	}
	if err := d.resource("buckets.yml", "InputBucket", &properties); err != nil {
		return CORSRule{}, err
	}
	rules := properties.CorsConfiguration.CorsRules
	if len(rules) == 0 {
		return CORSRule{}, errors.New("buckets.yml: the input bucket has no CORS rule")
	}
	return rules[0], nil
}

// APICORS returns the rule by which pages of the allowed origins use the API.
func APICORS() (CORSRule, error) {
	data, err := files.ReadFile("api.yml")
	if err != nil {
		return CORSRule{}, err
	}
	var template struct {
		Extensions struct {
			HTTPAPI struct {
				Properties struct {
					CORS yaml.Node `yaml:"CorsConfiguration"`
				} `yaml:"Properties"`
			} `yaml:"HttpApi"`
		} `yaml:"extensions"`
	}
	if err := yaml.Unmarshal(data, &template); err != nil {
		return CORSRule{}, fmt.Errorf("api.yml: %w", err)
	}
	// !If [HasAllowedOrigins, the rule, nothing]
	branches := template.Extensions.HTTPAPI.Properties.CORS.Content
	if len(branches) != 3 {
		return CORSRule{}, errors.New("api.yml: the API has no CORS configuration that depends on allowedOrigins")
	}
	var rule struct {
		AllowMethods  []string `yaml:"AllowMethods"`
		AllowHeaders  []string `yaml:"AllowHeaders"`
		ExposeHeaders []string `yaml:"ExposeHeaders"`
		MaxAge        int32    `yaml:"MaxAge"`
	}
	if err := branches[1].Decode(&rule); err != nil {
		return CORSRule{}, fmt.Errorf("api.yml: CORS configuration: %w", err)
	}
	return CORSRule{rule.AllowMethods, rule.AllowHeaders, rule.ExposeHeaders, rule.MaxAge}, nil
}

// readingCORS returns the rule of a response headers policy by which pages of the allowed
// origins read what the CDN serves.
func readingCORS(policy string) (CORSRule, error) {
	data, err := files.ReadFile("cdn.yml")
	if err != nil {
		return CORSRule{}, err
	}
	var template struct {
		Resources map[string]struct {
			Properties struct {
				Config struct {
					CORS yaml.Node `yaml:"CorsConfig"`
				} `yaml:"ResponseHeadersPolicyConfig"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(data, &template); err != nil {
		return CORSRule{}, fmt.Errorf("cdn.yml: %w", err)
	}
	cors := template.Resources[policy].Properties.Config.CORS
	if cors.IsZero() {
		return CORSRule{}, nil
	}
	if cors.Alias != nil {
		cors = *cors.Alias
	}
	if len(cors.Content) != 3 { // !If [HasAllowedOrigins, the rule, nothing]
		return CORSRule{}, fmt.Errorf("cdn.yml: the CORS configuration of %s does not depend on allowedOrigins", policy)
	}
	type list struct {
		Items []string `yaml:"Items"`
	}
	var rule struct {
		AllowMethods list  `yaml:"AccessControlAllowMethods"`
		AllowHeaders list  `yaml:"AccessControlAllowHeaders"`
		MaxAge       int32 `yaml:"AccessControlMaxAgeSec"`
	}
	if err := cors.Content[1].Decode(&rule); err != nil {
		return CORSRule{}, fmt.Errorf("cdn.yml: CORS configuration of %s: %w", policy, err)
	}
	return CORSRule{AllowedMethods: rule.AllowMethods.Items, AllowedHeaders: rule.AllowHeaders.Items, MaxAge: rule.MaxAge}, nil
}
