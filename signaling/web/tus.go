package web

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"kelas/classroom"
	"kelas/classroom/files"
	"kelas/signaling/fault"
	"kelas/signaling/patient"
)

// The resumable upload protocol, https://tus.io/protocols/resumable-upload:
// core, creation and termination. Section numbers are not given there, so
// headings are named.
const (
	tusVersion    = "1.0.0"
	tusExtensions = "creation,termination"
	tusBody       = "application/offset+octet-stream"
	metadataMax   = 4096
)

// headerFileID names the file that a finished upload became.
const headerFileID = "Kelas-File-Id"

// errTusVersion answers "Tus-Resumable" with another version.
var errTusVersion = errors.New("another version of tus")

func (w *Web) tusOptions(v *visit) error {
	h := v.c.Writer.Header()
	h.Set("Tus-Resumable", tusVersion)
	h.Set("Tus-Version", tusVersion)
	h.Set("Tus-Extension", tusExtensions)
	h.Set("Tus-Max-Size", strconv.FormatInt(w.cfg.FileMaxSize, 10))
	v.c.Status(http.StatusNoContent)
	return nil
}

// tusPerson is the part that all requests but OPTIONS share: version, form
// token, who it is, may it share files.
func (v *visit) tusPerson() (person, error) {
	h := v.c.Writer.Header()
	h.Set("Tus-Resumable", tusVersion)
	h.Set("Cache-Control", "no-store")
	if v.c.GetHeader("Tus-Resumable") != tusVersion {
		h.Set("Tus-Version", tusVersion)
		return person{}, errTusVersion
	}
	if v.c.Request.Method != http.MethodHead { // HEAD changes nothing
		if err := v.checkFormToken(); err != nil {
			return person{}, err
		}
	}
	p, err := v.person()
	if err != nil {
		return p, err
	}
	if p.participant == nil {
		return p, fault.ErrNotJoined
	}
	if !p.may(classroom.ActShareFile) {
		return p, classroom.ErrNotAllowed
	}
	return p, nil
}

// tusFailed gives the wrong version its own status (Core Protocol,
// "Tus-Version").
func (v *visit) tusFailed(err error) error {
	if errors.Is(err, errTusVersion) {
		f := fault.Of(fault.ErrUnsupported)
		v.c.JSON(http.StatusPreconditionFailed, map[string]string{"code": f.Code, "message": f.Text})
		return nil
	}
	return err
}

func (w *Web) tusCreate(v *visit) error {
	p, err := v.tusPerson()
	if err != nil {
		return v.tusFailed(err)
	}
	length, err := strconv.ParseInt(v.c.GetHeader("Upload-Length"), 10, 64)
	if err != nil || length < 0 {
		return fault.WithDetail(fault.ErrBadMessage, "Upload-Length is needed and is a number of bytes")
	}
	name, err := uploadName(v.c.GetHeader("Upload-Metadata"))
	if err != nil {
		return err
	}
	up, err := w.d.Shelf.Begin(v.c.Request.Context(), p.lesson.ID, files.Owner{ID: p.participant.ID, Name: p.participant.Name}, name, length)
	if err != nil {
		return err
	}
	h := v.c.Writer.Header()
	h.Set("Location", "/c/"+p.lesson.ID+"/uploads/"+up.ID)
	if !up.ExpiresAt.IsZero() {
		h.Set("Upload-Expires", up.ExpiresAt.UTC().Format(http.TimeFormat))
	}
	v.c.Status(http.StatusCreated)
	return nil
}

// tusUpload finds the upload of the address and keeps it from everybody but
// its owner; to others it does not exist.
func (v *visit) tusUpload() (person, classroom.Upload, int64, error) {
	p, err := v.tusPerson()
	if err != nil {
		return p, classroom.Upload{}, 0, err
	}
	id := v.c.Param("upload")
	if len(id) > 64 {
		return p, classroom.Upload{}, 0, classroom.ErrNoSuchUpload
	}
	up, offset, err := v.w.d.Shelf.Offset(v.c.Request.Context(), id)
	if err != nil {
		return p, up, 0, err
	}
	if up.ClassID != p.lesson.ID || up.OwnerID != p.participant.ID {
		return p, classroom.Upload{}, 0, classroom.ErrNoSuchUpload
	}
	return p, up, offset, nil
}

func (w *Web) tusHead(v *visit) error {
	_, up, offset, err := v.tusUpload()
	if err != nil {
		return v.tusFailed(err)
	}
	h := v.c.Writer.Header()
	h.Set("Upload-Offset", strconv.FormatInt(offset, 10))
	h.Set("Upload-Length", strconv.FormatInt(up.Size, 10))
	if offset == up.Size {
		// The answer to the last PATCH may have been lost, or a crash came
		// between the last byte and the news. Telling the class twice is harmless.
		if f, err := w.d.Shelf.File(v.c.Request.Context(), up.ClassID, up.ID); err == nil {
			h.Set(headerFileID, f.ID)
			w.d.Classes.FileAdded(up.ClassID, f)
		}
	}
	v.c.Status(http.StatusOK)
	return nil
}

func (w *Web) tusPatch(v *visit) error {
	_, up, offset, err := v.tusUpload()
	if err != nil {
		return v.tusFailed(err)
	}
	r := v.c.Request
	if r.Header.Get("Content-Type") != tusBody {
		f := fault.Of(fault.ErrUnsupported)
		v.c.JSON(http.StatusUnsupportedMediaType, map[string]string{"code": f.Code, "message": f.Text})
		return nil
	}
	at, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || at < 0 {
		return fault.WithDetail(fault.ErrBadMessage, "Upload-Offset is needed and is a number of bytes")
	}
	if at != offset {
		v.c.Writer.Header().Set("Upload-Offset", strconv.FormatInt(offset, 10))
		return classroom.ErrUploadOffset
	}
	if r.ContentLength > up.Size-offset {
		return classroom.ErrFileTooLarge
	}
	// What came in before a line is cut counts: the bytes are stored even
	// though the request's context has ended.
	ctx := context.WithoutCancel(r.Context())
	body := patient.NewReader(v.c.Writer, io.LimitReader(r.Body, up.Size-offset+1), w.cfg.StallTimeout)
	next, done, err := w.d.Shelf.Append(ctx, up.ID, at, body)
	h := v.c.Writer.Header()
	h.Set("Upload-Offset", strconv.FormatInt(next, 10))
	if err != nil {
		if body.Err != nil && !fault.Known(err) {
			return fault.ErrTimedOut // the line was cut or stood still; nobody may be there to hear it
		}
		return err
	}
	if done != nil {
		h.Set(headerFileID, done.ID)
		w.d.Classes.FileAdded(done.ClassID, *done)
	}
	v.c.Status(http.StatusNoContent)
	return nil
}

func (w *Web) tusDelete(v *visit) error {
	_, up, _, err := v.tusUpload()
	if err != nil {
		return v.tusFailed(err)
	}
	if err := w.d.Shelf.Abort(v.c.Request.Context(), up.ID); err != nil {
		return err
	}
	v.c.Status(http.StatusNoContent)
	return nil
}

// uploadName reads the filename of an Upload-Metadata header (Creation,
// "Upload-Metadata": comma separated, each key a space and a value in Base64).
func uploadName(header string) (string, error) {
	if len(header) > metadataMax {
		return "", fault.WithDetail(fault.ErrBadMessage, "Upload-Metadata is too long")
	}
	for _, pair := range strings.Split(header, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), " ")
		if key != "filename" && key != "name" {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
		if err != nil || !utf8.Valid(raw) {
			return "", classroom.ErrFileNameInvalid
		}
		return string(raw), nil
	}
	return "", fault.WithDetail(fault.ErrBadMessage, "Upload-Metadata needs a filename")
}
