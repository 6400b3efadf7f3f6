package web

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"kelas/classroom"
	"kelas/signaling/patient"
)

// previewTypes may be shown in place: images that browsers decode without
// running anything, and PDF, whose viewer stands apart from the page.
var previewTypes = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "application/pdf": true,
}

// download sends a file to be saved; a browser never opens it as a page of
// this site, whatever is in it.
func (w *Web) download(v *visit) error {
	f, err := v.file()
	if err != nil {
		return err
	}
	kind := f.Type
	if !previewTypes[kind] {
		kind = "application/octet-stream"
	}
	return v.send(f, kind, "attachment", "default-src 'none'; sandbox; frame-ancestors 'none'")
}

// previewPolicy lets a preview show itself and nothing else. Chromium 156 and
// Firefox 153 start their PDF viewers under it too, seen in both; what does not
// work there is the sandbox attribute of a frame.
const previewPolicy = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"

// previewPolicy in a class that other sites frame: every ancestor is asked.
func (w *Web) previewPolicy() string {
	return strings.Join(append([]string{previewPolicy}, w.cfg.FrameAncestors...), " ")
}

// preview shows an image or a PDF in place.
func (w *Web) preview(v *visit) error {
	f, err := v.file()
	if err != nil {
		return err
	}
	if !previewTypes[f.Type] {
		return classroom.ErrNoSuchFile
	}
	if h := v.c.Writer.Header(); len(w.cfg.FrameAncestors) > 0 {
		h.Del("X-Frame-Options") // it cannot name origins
	} else {
		h.Set("X-Frame-Options", "SAMEORIGIN")
	}
	return v.send(f, f.Type, "inline", w.previewPolicy())
}

func (v *visit) file() (classroom.FileInfo, error) {
	p, err := v.person()
	if err != nil {
		return classroom.FileInfo{}, err
	}
	id := v.c.Param("file")
	if len(id) > 64 {
		return classroom.FileInfo{}, classroom.ErrNoSuchFile
	}
	return v.w.d.Shelf.File(v.c.Request.Context(), p.lesson.ID, id)
}

func (v *visit) send(f classroom.FileInfo, kind, how, policy string) error {
	_, file, err := v.w.d.Shelf.Open(v.c.Request.Context(), f.ClassID, f.ID)
	if err != nil {
		return err
	}
	defer file.Close()
	h := v.c.Writer.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition(how, f.Name))
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("ETag", `"`+f.Hash+`"`)
	h.Set("Cache-Control", "private, no-cache") // kept, but asked for each time: the right to it may end
	out := patient.NewWriter(v.c.Writer, v.w.cfg.StallTimeout)
	http.ServeContent(out, v.c.Request, "", f.CreatedAt, file)
	return nil
}

// disposition names a file for saving (RFC 6266): plain ASCII for old
// clients, and the whole name in UTF-8 (RFC 8187).
func disposition(how, name string) string {
	var plain, ext strings.Builder
	for _, r := range name {
		switch {
		case r < 0x20 || r == 0x7f || r == '"' || r == '\\' || r == '/' || r == '%' || r == utf8.RuneError:
			plain.WriteByte('_')
		case r > 0x7e:
			plain.WriteByte('_')
		default:
			plain.WriteRune(r)
		}
	}
	for _, b := range []byte(name) {
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!#$&+-.^_`|~", b) >= 0 {
			ext.WriteByte(b)
		} else {
			fmt.Fprintf(&ext, "%%%02X", b)
		}
	}
	return how + `; filename="` + plain.String() + `"; filename*=UTF-8''` + ext.String()
}

func (w *Web) deleteFile(v *visit) error {
	p, err := v.person()
	if err != nil {
		return err
	}
	f, err := v.file()
	if err != nil {
		return err
	}
	if !p.mayDelete(f) {
		return classroom.ErrNotAllowed
	}
	if err := w.d.Shelf.Delete(v.c.Request.Context(), f.ClassID, f.ID); err != nil {
		return err
	}
	w.d.Classes.FileRemoved(f.ClassID, f.ID)
	if v.wantsJSON() {
		v.c.Status(http.StatusNoContent)
		return nil
	}
	return v.redirect("/c/" + f.ClassID + "/after?done=file")
}
