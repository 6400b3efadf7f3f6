package rest

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kelas/classroom"
	"kelas/signaling/auth"
	"kelas/signaling/fault"
)

// bodyMax bounds a JSON body.
const bodyMax = 64 << 10

// call is one request for an operation.
type call struct {
	door *Door
	gin  *gin.Context
	op   *operation
	key  auth.APIKey
	body []byte // of a JSON body

	secret string // the key itself, as it came

	etag, location string // of the answer
	seed           []byte // the same over repetitions of a request with an idempotency key
}

// serve does what an operation asks for, in the order in which it is refused.
func (d *Door) serve(g *gin.Context, o *operation) {
	d.allowOrigin(g)
	g.Header("Cache-Control", "no-store")
	c := &call{door: d, gin: g, op: o}
	if err := c.do(); err != nil {
		d.refuse(g, err)
	}
}

func (c *call) do() error {
	if err := c.identify(); err != nil {
		return err
	}
	params := reflect.New(c.op.in)
	if err := c.door.schemas.readParams(c.op.params, c.gin.Param, c.gin.Request.URL.RawQuery, params.Elem()); err != nil {
		return err
	}
	body := reflect.New(c.op.body)
	if err := c.read(body); err != nil {
		return err
	}
	if c.op.edits && c.gin.GetHeader("If-Match") == "" {
		return fault.ErrPreconditionRequired
	}
	if c.op.creates && c.gin.GetHeader("Idempotency-Key") != "" {
		return c.once(params.Interface(), body.Interface())
	}
	out, err := c.op.run(c, params.Interface(), body.Interface())
	if err != nil {
		return err
	}
	return c.write(out)
}

// identify finds the key, counts the request and asks for the scope.
func (c *call) identify() error {
	if c.op.scope == public {
		return nil
	}
	header := c.gin.GetHeader("Authorization")
	if header == "" {
		return fault.ErrNoIdentity
	}
	scheme, secret, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return fault.ErrKeyInvalid
	}
	secret = strings.TrimSpace(secret)
	key, err := c.door.d.Keys.Check(c.gin.Request.Context(), secret)
	if err != nil {
		return err
	}
	c.key, c.secret = key, secret
	if err := c.door.limiter.count(c.gin.Writer.Header(), key.ID, c.door.cfg.Now()); err != nil {
		return err
	}
	if c.op.scope != "" && !key.Has(c.op.scope) {
		return fault.WithDetail(fault.ErrScopeMissing, "it needs "+c.op.scope)
	}
	return nil
}

// read takes a JSON body; one of another type is the handler's.
func (c *call) read(body reflect.Value) error {
	r := c.gin.Request
	if c.op.bodyType != "" {
		return nil
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.gin.Writer, r.Body, bodyMax))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return fault.ErrMessageTooLarge
		}
		return fault.WithDetail(fault.ErrBadMessage, "the body could not be read")
	}
	if !c.op.hasJSONBody() {
		if len(raw) > 0 {
			return fault.WithDetail(fault.ErrBadMessage, "this takes no body")
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/merge-patch+json" {
		return fault.WithDetail(fault.ErrMediaType, "send application/json")
	}
	c.body = raw
	return c.door.schemas.readBody(raw, c.op.body, body.Interface())
}

// answered is an answer as it goes over the line.
type answered struct {
	status               int
	kind, location, etag string
	body                 []byte
}

// encode makes an answer of what a handler returned.
func (c *call) encode(out any) (answered, error) {
	a := answered{status: c.op.status, location: c.location, etag: c.etag}
	if c.op.answer == noneType {
		return a, nil
	}
	body, err := json.Marshal(out)
	if err != nil {
		return a, fmt.Errorf("encoding the answer: %w", err)
	}
	a.kind, a.body = "application/json", append(body, '\n')
	return a, nil
}

func (c *call) write(out any) error {
	if c.op.answer == rawType {
		return nil // the handler has
	}
	a, err := c.encode(out)
	if err != nil {
		return err
	}
	c.send(a)
	return nil
}

func (c *call) send(a answered) {
	if a.location != "" {
		c.gin.Header("Location", a.location)
	}
	if a.etag != "" {
		c.gin.Header("ETag", a.etag)
		if c.gin.Request.Method == http.MethodGet && matches(c.gin.GetHeader("If-None-Match"), a.etag) {
			c.gin.Status(http.StatusNotModified)
			c.gin.Writer.WriteHeaderNow()
			return
		}
	}
	if a.kind == "" {
		c.gin.Status(a.status)
		c.gin.Writer.WriteHeaderNow()
		return
	}
	c.gin.Data(a.status, a.kind, a.body)
}

// matches looks for an entity tag in If-None-Match, where a weak one will do
// (RFC 9110, 13.1.2).
func matches(header, etag string) bool {
	for _, one := range strings.Split(header, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == etag {
			return true
		}
	}
	return false
}

// unchanged compares If-Match with what there is now; a weak tag never
// matches (RFC 9110, 13.1.1).
func (c *call) unchanged(etag string) error {
	for _, one := range strings.Split(c.gin.GetHeader("If-Match"), ",") {
		if one = strings.TrimSpace(one); one == "*" || one == etag {
			return nil
		}
	}
	return fault.ErrPreconditionFailed
}

// stale makes a conflict with another writer what If-Match would have said.
func stale(err error) error {
	if errors.Is(err, classroom.ErrConflict) || errors.Is(err, auth.ErrConflict) {
		return fault.ErrPreconditionFailed
	}
	return err
}

func revision(n int64) string { return `"` + strconv.FormatInt(n, 10) + `"` }

// digest is an entity tag of what is shown.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf(`"%x"`, sum[:8])
}

// by names the key in logs of the rooms below.
func (c *call) by() string { return "key " + c.key.ID }

// origin is what stands before the path in links.
func (c *call) origin() string {
	if c.door.cfg.PublicURL != "" {
		return c.door.cfg.PublicURL
	}
	scheme := "http"
	if c.door.d.Client(c.gin.Request).Secure {
		scheme = "https"
	}
	return scheme + "://" + c.gin.Request.Host
}

// moment is a time as answers have it; nil for never.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// lessonOf returns a lesson by an id that a client sent.
func (c *call) lessonOf(id string) (classroom.Lesson, error) {
	if !auth.ValidClassID(id) {
		return classroom.Lesson{}, classroom.ErrClassNotFound
	}
	return c.door.d.Classes.Lesson(c.gin.Request.Context(), id)
}

func (d *Door) allowOrigin(g *gin.Context) {
	origin := g.GetHeader("Origin")
	if len(d.cfg.Origins) == 0 {
		return
	}
	g.Writer.Header().Add("Vary", "Origin")
	if !slices.Contains(d.cfg.Origins, origin) {
		return
	}
	h := g.Writer.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// preflight answers browsers that ask before they send.
func (d *Door) preflight(g *gin.Context) {
	d.allowOrigin(g)
	if g.Writer.Header().Get("Access-Control-Allow-Origin") != "" {
		g.Header("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
		g.Header("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key")
		g.Header("Access-Control-Max-Age", "600")
	}
	g.Status(http.StatusNoContent)
	g.Writer.WriteHeaderNow()
}
