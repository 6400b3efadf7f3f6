package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// assets are the files of static in memory, each also compressed where that
// helps. The hash over all of them stands in the path of every address that
// a page gives out, so a browser may keep what it has for ever, and modules
// that import each other by relative addresses stay within one version.
type assets struct {
	version string
	files   map[string]asset
}

type asset struct {
	kind   string
	etag   string
	plain  []byte
	zipped []byte // nil where compression does not help
}

// Types by ending: the system's table may be missing or wrong.
var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".json": "application/json; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
	".woff2": "font/woff2", ".woff": "font/woff", ".map": "application/json; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json", ".mp3": "audio/mpeg", ".webp": "image/webp",
}

func loadAssets(fsys fs.FS) (*assets, error) {
	a := &assets{files: map[string]asset{}}
	all := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		fmt.Fprintf(all, "%s %x\n", name, sum)
		f := asset{kind: assetTypes[path.Ext(name)], etag: `"` + hex.EncodeToString(sum[:12]) + `"`, plain: body}
		if f.kind == "" {
			if f.kind = mime.TypeByExtension(path.Ext(name)); f.kind == "" {
				f.kind = "application/octet-stream"
			}
		}
		f.zipped, err = compress(f.kind, body)
		a.files[name] = f
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	a.version = hex.EncodeToString(all.Sum(nil)[:8])
	return a, nil
}

func compress(kind string, body []byte) ([]byte, error) {
	if strings.HasPrefix(kind, "font/") || strings.HasPrefix(kind, "image/") && kind != "image/svg+xml" || len(body) < 512 {
		return nil, nil
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if b.Len() > len(body)*9/10 {
		return nil, nil
	}
	return b.Bytes(), nil
}

func (a *assets) url(name string) string { return "/static/v-" + a.version + "/" + name }

func (w *Web) static(c *gin.Context) {
	name := strings.TrimPrefix(c.Param("path"), "/")
	h := c.Writer.Header()
	cache := "no-cache" // ask each time; the ETag answers
	if rest, ok := strings.CutPrefix(name, "v-"); ok {
		version, file, _ := strings.Cut(rest, "/")
		name = file
		if version == w.assets.version {
			cache = "public, max-age=31536000, immutable"
		}
	}
	f, ok := w.assets.files[name]
	if !ok {
		h.Set("Cache-Control", "no-store")
		c.String(http.StatusNotFound, "not found\n")
		return
	}
	h.Set("Cache-Control", cache)
	h.Set("Content-Type", f.kind)
	body := f.plain
	if f.zipped != nil {
		h.Add("Vary", "Accept-Encoding")
		if strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") && c.GetHeader("Range") == "" {
			h.Set("Content-Encoding", "gzip")
			body, f.etag = f.zipped, strings.TrimSuffix(f.etag, `"`)+`-z"`
		}
	}
	h.Set("ETag", f.etag)
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(body))
}
