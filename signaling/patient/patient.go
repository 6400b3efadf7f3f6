package patient

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// Reader reads a request's body.
type Reader struct {
	r     io.Reader
	rc    *http.ResponseController
	stall time.Duration
	Err   error // of reading, but for the end
}

// NewReader reads r, a part of the body of the request that w answers.
func NewReader(w http.ResponseWriter, r io.Reader, stall time.Duration) *Reader {
	return &Reader{r: r, rc: http.NewResponseController(w), stall: stall}
}

func (p *Reader) Read(b []byte) (int, error) {
	// A connection without deadlines (a test's recorder) reads as it is.
	_ = p.rc.SetReadDeadline(time.Now().Add(p.stall))
	n, err := p.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		p.Err = err
	}
	return n, err
}

// Writer writes an answer.
type Writer struct {
	http.ResponseWriter
	rc    *http.ResponseController
	stall time.Duration
}

// NewWriter writes to w.
func NewWriter(w http.ResponseWriter, stall time.Duration) *Writer {
	return &Writer{ResponseWriter: w, rc: http.NewResponseController(w), stall: stall}
}

func (p *Writer) Write(b []byte) (int, error) {
	_ = p.rc.SetWriteDeadline(time.Now().Add(p.stall)) // as in Read
	return p.ResponseWriter.Write(b)
}
