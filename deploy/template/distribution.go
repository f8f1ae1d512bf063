package template

import (
	"fmt"
	"regexp"
	"strings"
)

// Distribution is the CDN: its behaviors in the order in which they apply. The last one
// matches every path.
type Distribution struct {
	RootObject     string // the file served for / of the site
	Behaviors      []Behavior
	AllowedOrigins []string
}

// Behavior is how the CDN answers paths that match a pattern.
type Behavior struct {
	PathPattern string   `yaml:"PathPattern"` // * is any characters, ? is one
	Origin      string   `yaml:"TargetOriginId"`
	Methods     []string `yaml:"AllowedMethods"`
	Compress    bool     `yaml:"Compress"`
	KeyGroups   []string `yaml:"TrustedKeyGroups"` // where not empty, only signed requests are answered
	Function    Function `yaml:"-"`                // of the event viewer-request
	Headers     []Header `yaml:"-"`
	Reading     CORSRule `yaml:"-"` // what pages of the allowed origins may do; the zero value for nothing

	HeadersPolicy string        `yaml:"ResponseHeadersPolicyId"` // the policy from which Headers is read
	Associations  []association `yaml:"FunctionAssociations"`    // from which Function is read
}

// PathPattern compiles the pattern of a behavior, in which * also takes slashes.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
func PathPattern(pattern string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(quoted)
	return regexp.MustCompile(`(?s)^` + quoted + `$`)
}

// Header is a response header that the CDN adds.
type Header struct {
	Name     string `yaml:"Header"`
	Value    string `yaml:"Value"`
	Override bool   `yaml:"Override"` // it replaces the origin's header
}

// Distribution returns the CDN of cdn.yml.
func (d Deployment) Distribution() (Distribution, error) {
	var properties struct {
		DistributionConfig struct {
			DefaultRootObject    string     `yaml:"DefaultRootObject"`
			DefaultCacheBehavior Behavior   `yaml:"DefaultCacheBehavior"`
			CacheBehaviors       []Behavior `yaml:"CacheBehaviors"`
		} `yaml:"DistributionConfig"`
	}
	if err := d.resource("cdn.yml", "Distribution", &properties); err != nil {
		return Distribution{}, err
	}
	config := properties.DistributionConfig
	config.DefaultCacheBehavior.PathPattern = "*"
	behaviors := append(config.CacheBehaviors, config.DefaultCacheBehavior)
	for i := range behaviors {
		behavior := &behaviors[i]
		if len(behavior.Methods) == 0 {
			behavior.Methods = []string{"GET", "HEAD"} // CloudFront's default
		}
		headers, err := d.headersPolicy(behavior.HeadersPolicy)
		if err != nil {
			return Distribution{}, fmt.Errorf("cdn.yml: behavior for %s: %w", behavior.PathPattern, err)
		}
		behavior.Headers = headers
		if behavior.Reading, err = readingCORS(behavior.HeadersPolicy); err != nil {
			return Distribution{}, fmt.Errorf("cdn.yml: behavior for %s: %w", behavior.PathPattern, err)
		}
		if behavior.Function, err = d.function(behavior.Associations); err != nil {
			return Distribution{}, fmt.Errorf("cdn.yml: behavior for %s: %w", behavior.PathPattern, err)
		}
	}
	return Distribution{config.DefaultRootObject, behaviors, d.AllowedOrigins}, nil
}

// headersPolicy returns the headers of a response headers policy. It fails on headers that
// it does not know.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-cloudfront-responseheaderspolicy-securityheadersconfig.html
func (d Deployment) headersPolicy(name string) ([]Header, error) {
	var properties struct {
		ResponseHeadersPolicyConfig struct {
			SecurityHeadersConfig map[string]securityHeader `yaml:"SecurityHeadersConfig"`
			CustomHeadersConfig   struct {
				Items []Header `yaml:"Items"`
			} `yaml:"CustomHeadersConfig"`
		} `yaml:"ResponseHeadersPolicyConfig"`
	}
	if err := d.resource("cdn.yml", name, &properties); err != nil {
		return nil, err
	}
	headers := properties.ResponseHeadersPolicyConfig.CustomHeadersConfig.Items
	for kind, config := range properties.ResponseHeadersPolicyConfig.SecurityHeadersConfig {
		header, err := config.header(kind)
		if err != nil {
			return nil, err
		}
		headers = append(headers, header)
	}
	for _, header := range headers {
		if err := complete(header.Value); err != nil {
			return nil, fmt.Errorf("header %s: %w", header.Name, err)
		}
	}
	return headers, nil
}

// securityHeader has the properties of all kinds of security headers in CloudFormation.
type securityHeader struct {
	AccessControlMaxAgeSec int    `yaml:"AccessControlMaxAgeSec"`
	IncludeSubdomains      bool   `yaml:"IncludeSubdomains"`
	FrameOption            string `yaml:"FrameOption"`
	ReferrerPolicy         string `yaml:"ReferrerPolicy"`
	ContentSecurityPolicy  string `yaml:"ContentSecurityPolicy"`
	Override               bool   `yaml:"Override"`
}

func (h securityHeader) header(kind string) (Header, error) {
	switch kind {
	case "StrictTransportSecurity":
		value := fmt.Sprintf("max-age=%d", h.AccessControlMaxAgeSec)
		if h.IncludeSubdomains {
			value += "; includeSubDomains"
		}
		return Header{"Strict-Transport-Security", value, h.Override}, nil
	case "ContentTypeOptions":
		return Header{"X-Content-Type-Options", "nosniff", h.Override}, nil
	case "FrameOptions":
		return Header{"X-Frame-Options", h.FrameOption, h.Override}, nil
	case "ReferrerPolicy":
		return Header{"Referrer-Policy", h.ReferrerPolicy, h.Override}, nil
	case "ContentSecurityPolicy":
		return Header{"Content-Security-Policy", h.ContentSecurityPolicy, h.Override}, nil
	}
	return Header{}, fmt.Errorf("unknown security header %s", kind)
}
