package edge

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/web"
)

// objectLimit is larger than any published object, in bytes.
const objectLimit = 64 << 20

// Site is the origin of the page: its files, with the headers of the published ones. It
// serves root for /.
func Site(files fs.FS, root string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = root
		}
		body, err := fs.ReadFile(files, name)
		if err != nil { // files are in memory, so the name is wrong
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", web.ContentType(name))
		w.Header().Set("Cache-Control", web.CacheControl)
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(body)))
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
	})
}

// Objects is the origin of the images: the objects of a bucket, with their stored type and
// Cache-Control. The path is the key.
func Objects(objects *bucket.Bucket, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, "/")
		if !fs.ValidPath(key) { // such as ../x, which S3 servers treat differently; no published key has one
			http.NotFound(w, r)
			return
		}
		body, info, err := objects.Get(r.Context(), key, objectLimit)
		switch {
		case errors.Is(err, bucket.ErrNotFound):
			http.NotFound(w, r)
			return
		case err != nil:
			log.Error("object not read", "key", key, "err", err)
			http.Error(w, "the bucket does not answer", http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", info.ContentType)
		w.Header().Set("ETag", info.ETag)
		if info.CacheControl != "" {
			w.Header().Set("Cache-Control", info.CacheControl)
		}
		http.ServeContent(w, r, "", info.Modified, bytes.NewReader(body))
	})
}
