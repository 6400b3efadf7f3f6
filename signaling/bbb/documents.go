package bbb

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
	"unicode"

	"kelas/classroom"
	"kelas/classroom/files"
	"kelas/signaling/outbound"
)

// Limits on what comes with a call.
const (
	bodyMax       = 32 << 20
	documentsMax  = 30
	fetchPatience = 25 * time.Second // for all documents of a call: the caller waits
)

// attachment is a document that a class is to have: an address, or its bytes.
type attachment struct {
	url  string
	name string
	data []byte
}

// modules is the body of a call. An element's own text is its bytes in base64.
type modules struct {
	XMLName xml.Name `xml:"modules"`
	Module  []struct {
		Name     string `xml:"name,attr"`
		Document []struct {
			URL      string `xml:"url,attr"`
			Filename string `xml:"filename,attr"`
			Name     string `xml:"name,attr"`
			Text     string `xml:",chardata"`
		} `xml:"document"`
	} `xml:"module"`
}

// documents reads the call's body. Nothing has been done yet when it fails.
func (c *call) documents() ([]attachment, error) {
	if c.r.Method != http.MethodPost || c.inForm || isForm(c.r) {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, bodyMax))
	if err != nil {
		return nil, failed(keyTooLarge, "The body is larger than allowed, or did not come.")
	}
	if strings.TrimSpace(string(body)) == "" {
		return nil, nil
	}
	if kind := c.r.Header.Get("Content-Type"); kind != "" && !strings.Contains(kind, "xml") {
		return nil, failed(keyContentType, "A body is XML: text/xml or application/xml.")
	}
	return readModules(body, c.b.d.Fetcher)
}

// checker says whether an address may be asked.
type checker interface{ CheckURL(raw string) error }

// readModules reads documents and checks all that can be checked without
// asking anybody.
func readModules(body []byte, check checker) ([]attachment, error) {
	var m modules
	if err := xml.Unmarshal(body, &m); err != nil {
		return nil, failed(keyValidation, "The body is no XML with modules.")
	}
	var list []attachment
	for _, module := range m.Module {
		if module.Name != "presentation" {
			continue // there are no others that a class here would have
		}
		for _, d := range module.Document {
			doc := attachment{url: strings.TrimSpace(d.URL), name: first(d.Filename, d.Name)}
			if doc.url == "" {
				data, err := base64.StdEncoding.DecodeString(strings.Map(withoutSpace, d.Text))
				if err != nil || len(data) == 0 || doc.name == "" {
					return nil, failed(keyValidation, "A document has neither an address, nor a name and its bytes in base64.")
				}
				doc.data = data
			} else if err := check.CheckURL(doc.url); err != nil {
				return nil, failed(keyValidation, "A document's address cannot be asked: "+err.Error()+".")
			}
			if doc.name == "" {
				doc.name = nameOf(doc.url)
			}
			list = append(list, doc)
		}
	}
	if len(list) > documentsMax {
		return nil, failed(keyValidation, fmt.Sprintf("There are more than %d documents.", documentsMax))
	}
	return list, nil
}

func first(list ...string) string {
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}

func withoutSpace(r rune) rune {
	if unicode.IsSpace(r) {
		return -1
	}
	return r
}

// nameOf is the last part of an address's path.
func nameOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "document"
	}
	if name := path.Base(u.Path); name != "." && name != "/" {
		return name
	}
	return "document"
}

// add makes the documents files of the class and returns the names of those
// that could not be: a meeting without its slides is better than none.
func (c *call) add(ctx context.Context, classID string, list []attachment) (missing []string) {
	ctx, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	for _, d := range list {
		if err := c.addOne(ctx, classID, d); err != nil {
			c.b.log.Warn("a document did not become a file", "class", classID, "err", reasonOf(err))
			missing = append(missing, line(d.name, 80))
		}
	}
	return missing
}

// reasonOf keeps addresses, which may hold tokens, out of the log.
func reasonOf(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// owner is whose file a document is.
var owner = files.Owner{Name: "LMS"}

func (c *call) addOne(ctx context.Context, classID string, d attachment) error {
	spool, err := os.CreateTemp("", "kelas-document-")
	if err != nil {
		return err
	}
	defer func() {
		_ = spool.Close()
		_ = os.Remove(spool.Name())
	}()
	size := int64(len(d.data))
	if d.url == "" {
		_, err = spool.Write(d.data)
	} else {
		_, size, err = c.b.d.Fetcher.Fetch(ctx, d.url, c.b.cfg.FileMaxSize, spool)
	}
	if err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	up, err := c.b.d.Shelf.Begin(ctx, classID, owner, d.name, size)
	if err != nil {
		return err
	}
	_, file, err := c.b.d.Shelf.Append(ctx, up.ID, 0, spool)
	if err != nil || file == nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return errors.Join(err, c.b.d.Shelf.Abort(undo, up.ID))
	}
	c.b.d.Classes.FileAdded(classID, *file)
	return nil
}

// insertDocument gives a meeting that is there more documents.
func insertDocument(ctx context.Context, c *call) ([]node, error) {
	l, err := c.meeting(ctx)
	if err != nil {
		return nil, err
	}
	list, err := c.documents()
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, failed(keyValidation, "There is no document in the body.")
	}
	if missing := c.add(ctx, l.ID, list); len(missing) > 0 {
		return nil, failed(keyValidation, "These could not be fetched or kept: "+strings.Join(missing, ", ")+".")
	}
	return withMessage("", ""), nil
}

// Shelf is what the door needs of files.Shelf.
type Shelf interface {
	Begin(ctx context.Context, classID string, owner files.Owner, name string, size int64) (classroom.Upload, error)
	Append(ctx context.Context, uploadID string, offset int64, r io.Reader) (int64, *classroom.FileInfo, error)
	Abort(ctx context.Context, uploadID string) error
	List(ctx context.Context, classID string) ([]classroom.FileInfo, error)
}

// Fetcher asks for documents, where the administrator allows; outbound.Client
// is one.
type Fetcher interface {
	CheckURL(raw string) error
	Fetch(ctx context.Context, raw string, max int64, w io.Writer) (contentType string, n int64, err error)
}

var _ Fetcher = (*outbound.Client)(nil)
