package api

import (
	"net/http"

	"github.com/presize/presize/internal/media"
)

// catalogMaxAge lets caches keep what only a new deployment changes.
const catalogMaxAge = "public, max-age=300"

// offeredPreset is a preset as far as it concerns a client.
type offeredPreset struct {
	Name    string         `json:"name"`
	Fit     media.Fit      `json:"fit"`
	Sizes   []offeredSize  `json:"sizes"`
	Formats []media.Format `json:"formats"`
	Private bool           `json:"private,omitempty"`
	// What an original must be: the preset's rules within the service's limits.
	Accept    []media.Format `json:"accept"`
	MaxBytes  int64          `json:"maxBytes"`
	MinWidth  int            `json:"minWidth,omitempty"`
	MinHeight int            `json:"minHeight,omitempty"`
}

type offeredSize struct {
	Name string `json:"name"`
	media.Size
}

// presets answers GET /api/v1/presets.
func (s *service) presets(*http.Request) (answer, error) {
	offered := make([]offeredPreset, 0, len(s.Presets))
	for _, preset := range s.Presets {
		offer := offeredPreset{
			Name:      preset.Name,
			Fit:       preset.Fit,
			Private:   preset.Private,
			Accept:    preset.Rules.Formats(),
			MaxBytes:  preset.Within(s.Limits).Bytes,
			MinWidth:  preset.MinWidth,
			MinHeight: preset.MinHeight,
		}
		for _, size := range preset.Sizes {
			offer.Sizes = append(offer.Sizes, offeredSize{size.Name(), size})
		}
		for _, encoder := range preset.Encoders {
			offer.Formats = append(offer.Formats, encoder.Format)
		}
		offered = append(offered, offer)
	}
	a, err := jsonAnswer(http.StatusOK, map[string]any{"default": media.DefaultPreset, "presets": offered})
	if err != nil {
		return answer{}, err
	}
	a.header.Set("Cache-Control", catalogMaxAge)
	return a, nil
}

// describe answers GET /api/v1/openapi.yaml.
func (s *service) describe(*http.Request) (answer, error) {
	return answer{
		status: http.StatusOK,
		header: http.Header{
			"Content-Type":  {"application/yaml"}, // RFC 9512
			"Cache-Control": {catalogMaxAge},
		},
		body: openAPI,
	}, nil
}

// health answers GET /api/v1/healthz: the process serves. It does not ask S3.
func (s *service) health(*http.Request) (answer, error) {
	return jsonAnswer(http.StatusOK, map[string]string{"status": "ok"})
}
