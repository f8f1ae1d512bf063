package api

import (
	"cmp"
	"net/http"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

// maxImage is the largest image that can come through the API itself, in bytes.
// The payload of a Lambda function has at most 6 MB, and contains the body in base64.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxImage = 4 << 20

// createImage answers POST /api/v1/images, whose body is the original itself.
//
// Browsers send image bodies cross-site without a preflight, other than JSON or a DELETE.
// So the handler checks Sec-Fetch-Site and Origin, which only browsers send.
func (s *service) createImage(r *http.Request) (answer, error) {
	if new(http.CrossOriginProtection).Check(r) != nil {
		return answer{}, crossOrigin.problem("Only programs and pages of this site can upload here.")
	}
	name := media.DefaultPreset
	if query := r.URL.Query(); query.Has("preset") {
		name = query.Get("preset")
	}
	preset, ok := s.Presets.Find(name)
	if !ok {
		return answer{}, invalidRequest.problem("%s", refusePreset(name))
	}
	declared, err := contentType(r)
	if err != nil {
		return answer{}, err
	}
	owner, err := senderOf(r).owner()
	if err != nil {
		return answer{}, err
	}
	body, err := readBody(r, min(maxImage, preset.Within(s.Limits).Bytes))
	if err != nil {
		return answer{}, err
	}
	if len(body) == 0 {
		return answer{}, invalidRequest.problem("The body is empty; it must be the image.")
	}
	format, err := originalFormat(declared, body, preset.Rules)
	if err != nil {
		return answer{}, err
	}
	metadata, err := media.Label{Preset: preset.Name, Private: preset.Private, Owner: owner}.Metadata()
	if err != nil {
		return answer{}, err
	}
	secret := media.NewSecret()
	id := secret.ID()
	err = s.Input.Create(r.Context(), bucket.Info{
		Key:         media.OriginalKey(id),
		ContentType: string(format),
		Metadata:    metadata,
	}, body)
	if err != nil {
		return answer{}, err
	}
	a, err := jsonAnswer(http.StatusAccepted, uploadStatus{
		Manifest: processing(id, preset.Name, format, int64(len(body))),
		Secret:   secret.Reveal(),
	})
	if err != nil {
		return answer{}, err
	}
	a.header.Set("Location", media.StatusURL(id))
	a.upload = id
	return a, nil
}

// originalFormat returns the format of the bytes, or the declared one if the bytes have no
// accepted format: then the worker rejects the upload and says why.
func originalFormat(declared string, body []byte, rules media.Rules) (media.Format, error) {
	format, ok := media.ParseDeclared(cmp.Or(declared, string(media.Undeclared)))
	if !ok {
		return "", unsupportedType.problem("%s", refuseFormat(declared, rules))
	}
	if sniffed, ok := media.Sniff(body); ok {
		format = sniffed
	}
	if format == media.Undeclared {
		return "", unsupportedType.problem("The body is no image of a type that is accepted.")
	}
	if !rules.Accepts(format) {
		return "", unsupportedType.problem("%s", refuseFormat(string(format), rules))
	}
	return format, nil
}
