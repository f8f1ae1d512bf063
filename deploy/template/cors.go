package template

import "errors"

// CORSRule is what pages of other origins may do with a bucket.
type CORSRule struct {
	AllowedMethods []string `yaml:"AllowedMethods"`
	AllowedHeaders []string `yaml:"AllowedHeaders"`
	ExposedHeaders []string `yaml:"ExposedHeaders"`
	MaxAge         int32    `yaml:"MaxAge"` // seconds
}

// UploadCORS returns the rule that lets the page upload to the input bucket, without the
// page's origin.
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
