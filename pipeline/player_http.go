package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kelas/pipeline/record"
)

const (
	httpSilence = 10 * time.Second // without a byte, and the connection is given up
	httpTries   = 3
)

// httpFile reads a file over HTTP, with ranges where the server has them (RFC 9110, section 14).
type httpFile struct {
	from *playFrom
	ctx  context.Context
	url  string

	at     int64
	size   int64 // -1: not known
	ranges bool
	etag   string
	body   io.ReadCloser // nil: to be asked for at at
	cancel context.CancelFunc
}

// open asks for the file from its start.
func (p *playFrom) open(ctx context.Context, u *url.URL) (*httpFile, error) {
	f := &httpFile{from: p, ctx: ctx, url: u.String(), size: -1}
	res, err := f.request(0)
	if err != nil {
		return nil, err
	}
	f.etag = res.Header.Get("ETag")
	switch res.StatusCode {
	case http.StatusPartialContent:
		_, size, ok := contentRange(res.Header.Get("Content-Range"))
		f.ranges, f.size = ok && size > 0, size
	default:
		f.size = res.ContentLength
	}
	return f, nil
}

func (f *httpFile) source() record.Source {
	return record.Source{ReadSeeker: f, Size: f.size, CanSeek: f.ranges}
}

// request opens the body at a place.
func (f *httpFile) request(at int64) (*http.Response, error) {
	ctx, cancel := context.WithCancel(f.ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("%w: it makes no request", ErrBadURI)
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
	res, err := f.from.client.Do(req)
	if err != nil {
		cancel()
		return nil, withoutURL(err)
	}
	if err := f.checkAnswer(res, at); err != nil {
		_ = res.Body.Close()
		cancel()
		return nil, err
	}
	f.body, f.cancel, f.at = res.Body, cancel, at
	return res, nil
}

func (f *httpFile) checkAnswer(res *http.Response, at int64) error {
	switch {
	case res.StatusCode == http.StatusPartialContent:
		start, _, ok := contentRange(res.Header.Get("Content-Range"))
		if !ok || start != at {
			return errors.New("the HTTP server gives another part of the file than it was asked for")
		}
		if tag := res.Header.Get("ETag"); f.etag != "" && tag != f.etag {
			return errors.New("the file on the HTTP server has changed")
		}
		return nil
	case res.StatusCode == http.StatusOK && at == 0:
		return nil
	}
	return fmt.Errorf("the HTTP server answers %d", res.StatusCode)
}

// contentRange reads "bytes 0-99/100".
func contentRange(h string) (start, size int64, ok bool) {
	rest, ok := strings.CutPrefix(h, "bytes ")
	if !ok {
		return 0, 0, false
	}
	span, total, _ := strings.Cut(rest, "/")
	first, _, _ := strings.Cut(span, "-")
	start, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	if size, err = strconv.ParseInt(total, 10, 64); err != nil {
		size = -1
	}
	return start, size, true
}

// Read goes on where it was, also when the connection broke meanwhile.
func (f *httpFile) Read(b []byte) (int, error) {
	for try := 1; ; try++ {
		n, err := f.readOnce(b)
		if n > 0 {
			return n, nil
		}
		whole := f.size < 0 || f.at >= f.size
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF) && whole:
			return 0, io.EOF
		case !f.ranges || try >= httpTries || f.ctx.Err() != nil:
			return 0, withoutURL(err)
		}
		f.drop()
	}
}

func (f *httpFile) readOnce(b []byte) (int, error) {
	if f.size >= 0 && f.at >= f.size {
		return 0, io.EOF
	}
	if f.body == nil {
		if _, err := f.request(f.at); err != nil {
			return 0, err
		}
	}
	silence := time.AfterFunc(httpSilence, f.cancel)
	n, err := f.body.Read(b)
	silence.Stop()
	f.at += int64(n)
	return n, err
}

// Seek takes effect with the next Read.
func (f *httpFile) Seek(to int64, whence int) (int64, error) {
	if whence != io.SeekStart || !f.ranges && to != f.at {
		return 0, record.ErrNotSeekable
	}
	if to != f.at {
		f.drop()
		f.at = to
	}
	return to, nil
}

func (f *httpFile) drop() {
	if f.body != nil {
		f.cancel()
		_ = f.body.Close()
		f.body = nil
	}
}

// Close ends the request.
func (f *httpFile) Close() error {
	f.drop()
	return nil
}

// withoutURL keeps credentials in the uri out of events and logs.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
