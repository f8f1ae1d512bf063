package media

import (
	"fmt"
	"html"
	"strings"
)

// Picture returns an HTML <picture> element over the variants that are
// published: one <source> for each format in the order given, except for JPEG,
// which is the <img> that every browser shows. It is empty without a JPEG.
//
// Of an animation only WebP moves. The other formats are then for people who have
// asked their system for less motion.
func Picture(variants []Variant, animated bool) string {
	srcsets := make(map[Format][]string)
	listed := make(map[string]bool)
	var formats []Format
	var fallback Variant
	for _, v := range variants {
		if v.ContentType == JPEG && v.Width > fallback.Width {
			fallback = v
		}
		// Sizes beyond the original's come out alike; naming one of them is enough.
		candidate := fmt.Sprintf("%s %d", v.ContentType, v.Width)
		if listed[candidate] {
			continue
		}
		listed[candidate] = true
		if srcsets[v.ContentType] == nil {
			formats = append(formats, v.ContentType)
		}
		srcsets[v.ContentType] = append(srcsets[v.ContentType], fmt.Sprintf("%s %dw", html.EscapeString(v.URL), v.Width))
	}
	if fallback.URL == "" {
		return ""
	}
	sizes := fmt.Sprintf("(max-width: %[1]dpx) 100vw, %[1]dpx", fallback.Width)
	var b strings.Builder
	b.WriteString("<picture>\n")
	for _, format := range formats {
		if format != JPEG {
			condition := ""
			if animated && format != WebP {
				condition = ` media="(prefers-reduced-motion: reduce)"`
			}
			fmt.Fprintf(&b, "  <source type=\"%s\"%s sizes=\"%s\" srcset=\"%s\">\n", format, condition, sizes, strings.Join(srcsets[format], ", "))
		}
	}
	fmt.Fprintf(&b, "  <img src=\"%s\" sizes=\"%s\" srcset=\"%s\" width=\"%d\" height=\"%d\" alt=\"\" loading=\"lazy\" decoding=\"async\">\n",
		html.EscapeString(fallback.URL), sizes, strings.Join(srcsets[JPEG], ", "), fallback.Width, fallback.Height)
	b.WriteString("</picture>")
	return b.String()
}
