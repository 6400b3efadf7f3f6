package signaling_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/signaling"
	"kelas/signaling/auth"
	"kelas/signaling/web"
)

// student is a browser with a seat whose person has joined.
func (s *site) student(id, jti string, role string) *browser {
	s.t.Helper()
	b := s.browser()
	b.get("/c/"+id+"?token="+s.token(auth.JoinClaims{ClassID: id, Role: role, ID: jti, Name: jti})).to(s.t, "/c/"+id)
	s.join(id, auth.Identity{Key: "token:" + jti, Name: jti, Role: role})
	b.csrf = pageConfig(s.t, b.get("/c/"+id)).CSRF
	return b
}

func (b *browser) tus(method, path string, body []byte, header ...string) page {
	b.t.Helper()
	h := append([]string{"Tus-Resumable", "1.0.0", "X-CSRF-Token", b.csrf}, header...)
	return b.do(method, path, bytes.NewReader(body), h...)
}

func named(name string) string { return "filename " + base64.StdEncoding.EncodeToString([]byte(name)) }

func (b *browser) begin(id, name string, size int) string {
	b.t.Helper()
	p := b.tus("POST", "/c/"+id+"/uploads", nil, "Upload-Length", strconv.Itoa(size), "Upload-Metadata", named(name))
	if p.status != http.StatusCreated || p.header.Get("Location") == "" {
		b.t.Fatal(p.status, p.body)
	}
	return p.header.Get("Location")
}

const patchType = "application/offset+octet-stream"

func (b *browser) patch(at string, offset int, body []byte) page {
	b.t.Helper()
	return b.tus("PATCH", at, body, "Upload-Offset", strconv.Itoa(offset), "Content-Type", patchType)
}

func (b *browser) share(id, name string, body []byte) string {
	b.t.Helper()
	p := b.patch(b.begin(id, name, len(body)), 0, body)
	if p.status != http.StatusNoContent || p.header.Get("Kelas-File-Id") == "" {
		b.t.Fatal(p.status, p.body)
	}
	return p.header.Get("Kelas-File-Id")
}

func TestUploadGoesOnWhereItStopped(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id := s.lesson("A", "")
	b := s.student(id, "dewi", auth.RoleViewer)
	p := b.do("OPTIONS", "/c/"+id+"/uploads", nil)
	if p.status != 204 || p.header.Get("Tus-Version") != "1.0.0" || p.header.Get("Tus-Extension") != "creation,termination" || p.header.Get("Tus-Max-Size") != "1048576" {
		t.Fatal(p.status, p.header)
	}
	body := bytes.Repeat([]byte("0123456789"), 1000)
	at := b.begin(id, "../../etc/tugas 1.txt", len(body))
	if p := b.patch(at, 0, body[:4000]); p.status != 204 || p.header.Get("Upload-Offset") != "4000" || p.header.Get("Kelas-File-Id") != "" {
		t.Fatal(p.status, p.header)
	}
	p = b.tus("HEAD", at, nil)
	if p.status != 200 || p.header.Get("Upload-Offset") != "4000" || p.header.Get("Upload-Length") != "10000" || p.header.Get("Cache-Control") != "no-store" || p.header.Get("Tus-Resumable") != "1.0.0" {
		t.Fatal(p.status, p.header)
	}
	for _, offset := range []int{0, 3999, 4001, 10000} {
		if p := b.patch(at, offset, body[:1]); p.status != http.StatusConflict || p.code(t) != "uploadOffset" || p.header.Get("Upload-Offset") != "4000" {
			t.Fatal(offset, p.status, p.body)
		}
	}
	if p := b.patch(at, 4000, append(body[4000:], 'x')); p.status != http.StatusRequestEntityTooLarge {
		t.Fatal("more than announced:", p.status, p.body)
	}
	p = b.patch(at, 4000, body[4000:])
	file := p.header.Get("Kelas-File-Id")
	if p.status != 204 || file == "" || p.header.Get("Upload-Offset") != "10000" {
		t.Fatal(p.status, p.header)
	}
	// The last answer was lost: asking again tells the file.
	if p := b.tus("HEAD", at, nil); p.header.Get("Kelas-File-Id") != file || p.header.Get("Upload-Offset") != "10000" {
		t.Fatal(p.header)
	}
	p = b.get("/c/"+id+"/files/"+file).wants(t, 200, string(body))
	kind, params, err := mime.ParseMediaType(p.header.Get("Content-Disposition"))
	if err != nil || kind != "attachment" || params["filename"] != "tugas 1.txt" {
		t.Error(p.header.Get("Content-Disposition"), err)
	}
	b.get("/c/"+id+"/after").wants(t, 200, "tugas 1.txt", "10 kB")
}

func TestUploadsThatAreRefused(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id, other := s.lesson("A", ""), s.lesson("B", "")
	b := s.student(id, "dewi", auth.RoleViewer)
	path := "/c/" + id + "/uploads"
	for what, c := range map[string]struct {
		header []string
		status int
		code   string
	}{
		"no length":     {[]string{"Upload-Metadata", named("a")}, 400, "badMessage"},
		"odd length":    {[]string{"Upload-Metadata", named("a"), "Upload-Length", "-5"}, 400, "badMessage"},
		"deferred":      {[]string{"Upload-Metadata", named("a"), "Upload-Defer-Length", "1"}, 400, "badMessage"},
		"no name":       {[]string{"Upload-Length", "5"}, 400, "badMessage"},
		"bad name":      {[]string{"Upload-Length", "5", "Upload-Metadata", named("..")}, 400, "fileNameInvalid"},
		"too large":     {[]string{"Upload-Length", "1048577", "Upload-Metadata", named("a")}, 413, "fileTooLarge"},
		"empty":         {[]string{"Upload-Length", "0", "Upload-Metadata", named("a")}, 400, "fileEmpty"},
		"blocked":       {[]string{"Upload-Length", "5", "Upload-Metadata", named("a.exe")}, 415, "fileTypeNotAllowed"},
		"other version": {[]string{"Upload-Length", "5", "Upload-Metadata", named("a"), "Tus-Resumable", "0.2.2"}, 412, "unsupported"},
		"other site":    {[]string{"Upload-Length", "5", "Upload-Metadata", named("a"), "X-CSRF-Token", "x"}, 403, "originForbidden"},
	} {
		if p := b.tus("POST", path, nil, c.header...); p.status != c.status || p.code(t) != c.code {
			t.Errorf("%s: %d %s", what, p.status, p.body)
		}
	}
	at := b.begin(id, "a.txt", 5)
	if p := b.tus("PATCH", at, []byte("hello"), "Upload-Offset", "0", "Content-Type", "text/plain"); p.status != 415 {
		t.Error(p.status)
	}
	if p := b.tus("PATCH", at, []byte("hello"), "Content-Type", patchType); p.status != 400 {
		t.Error(p.status)
	}
	// Somebody else of the class, and the same address under another class.
	rina := s.student(id, "rina", auth.RoleViewer)
	for what, p := range map[string]page{
		"another's":     rina.patch(at, 0, []byte("hello")),
		"another's end": rina.tus("DELETE", at, nil),
		"made up":       b.patch("/c/"+id+"/uploads/nothing", 0, []byte("hello")),
	} {
		if p.status != 404 || p.code(t) != "noSuchUpload" {
			t.Errorf("%s: %d %s", what, p.status, p.body)
		}
	}
	inOther := s.student(other, "dewi", auth.RoleViewer)
	if p := inOther.patch(strings.Replace(at, id, other, 1), 0, []byte("hello")); p.status != 404 {
		t.Error("an upload is reached through another class:", p.status)
	}
	// Who has a token and has not joined.
	fresh := s.browser()
	token := s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleViewer, Name: "Tono"})
	if p := fresh.do("POST", path, nil, "Tus-Resumable", "1.0.0", "Upload-Length", "5", "Upload-Metadata", named("a"), "Authorization", "Bearer "+token); p.status != 409 || p.code(t) != "notJoined" {
		t.Error(p.status, p.body)
	}
	if p := fresh.do("POST", path, nil, "Tus-Resumable", "1.0.0", "Upload-Length", "5", "Upload-Metadata", named("a"), "Authorization", "Bearer x"); p.status != 401 || p.code(t) != "tokenForged" {
		t.Error(p.status, p.body)
	}
	if p := b.tus("DELETE", at, nil); p.status != 204 {
		t.Error(p.status, p.body)
	}
	if p := b.tus("HEAD", at, nil); p.status != 404 {
		t.Error("an ended upload is still there:", p.status)
	}
	// The class's quota is 2 MiB.
	full := make([]byte, 1<<20)
	b.share(id, "1.bin", full)
	b.share(id, "2.bin", full)
	if p := b.tus("POST", path, nil, "Upload-Length", "1", "Upload-Metadata", named("3.bin")); p.status != http.StatusInsufficientStorage || p.code(t) != "quotaExceeded" {
		t.Error(p.status, p.body)
	}
}

func TestUploadWithATokenNeedsNoCookies(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id := s.lesson("A", "")
	token := s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleViewer, ID: "bot", Name: "Bot"})
	s.join(id, auth.Identity{Key: "token:bot", Name: "Bot", Role: auth.RoleViewer})
	b := s.browser()
	bearer := []string{"Authorization", "Bearer " + token, "Tus-Resumable", "1.0.0"}
	p := b.do("POST", "/c/"+id+"/uploads", nil, append(bearer, "Upload-Length", "5", "Upload-Metadata", named("a.txt"))...)
	if p.status != 201 {
		t.Fatal(p.status, p.body)
	}
	p = b.do("PATCH", p.header.Get("Location"), strings.NewReader("hello"), append(bearer, "Upload-Offset", "0", "Content-Type", patchType)...)
	file := p.header.Get("Kelas-File-Id")
	if p.status != 204 || file == "" {
		t.Fatal(p.status, p.body)
	}
	b.do("GET", "/c/"+id+"/files/"+file, nil, bearer...).wants(t, 200, "hello")
	if p := b.do("GET", "/c/"+id+"/files/"+file, nil); p.status != 401 {
		t.Error("a file without a person:", p.status)
	}
	// A guest without cookies: an invitation, a name, and then the seat.
	invite := s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleViewer})
	p = b.do("POST", "/c/"+id+"/enter", strings.NewReader("name=Tamu"), "Authorization", "Bearer "+invite, "Content-Type", "application/x-www-form-urlencoded")
	if p.status != 200 || !strings.Contains(p.body, `"seat"`) {
		t.Fatal(p.status, p.body)
	}
	seat := strings.SplitN(strings.SplitN(p.body, `"seat":"`, 2)[1], `"`, 2)[0]
	b.do("GET", "/c/"+id+"/files/"+file, nil, "Authorization", "Bearer "+seat).wants(t, 200, "hello")
}

func TestDownloads(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id, other := s.lesson("A", ""), s.lesson("B", "")
	b := s.student(id, "dewi", auth.RoleViewer)
	evil := []byte("<html><script>alert(document.cookie)</script></html>")
	file := b.share(id, `rés"umé.html`, evil)
	path := "/c/" + id + "/files/" + file
	p := b.get(path).wants(t, 200, string(evil))
	sum := sha256.Sum256(evil)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	for name, want := range map[string]string{"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Etag": etag, "Accept-Ranges": "bytes"} {
		if got := p.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "default-src 'none'") {
		t.Error(csp)
	}
	if !strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment;") {
		t.Error(p.header.Get("Content-Disposition"))
	}
	if p := b.do("GET", path, nil, "Range", "bytes=6-11"); p.status != 206 || p.body != "<scrip" || p.header.Get("Content-Range") != "bytes 6-11/52" {
		t.Error(p.status, p.body, p.header.Get("Content-Range"))
	}
	if p := b.do("GET", path, nil, "Range", "bytes=1000-"); p.status != 416 {
		t.Error(p.status)
	}
	if p := b.do("GET", path, nil, "If-None-Match", etag); p.status != 304 || p.body != "" {
		t.Error(p.status)
	}
	if p := b.do("HEAD", path, nil); p.status != 200 || p.header.Get("Content-Length") != "52" {
		t.Error(p.status, p.header)
	}
	b.get(path+"/preview").wants(t, 404, `data-code="noSuchFile"`)
	b.get("/c/"+id+"/files/"+strings.Repeat("a", 200)).wants(t, 404)
	b.get("/c/"+id+"/files/..%2f..%2fkelas.db").wants(t, 404)
	s.student(other, "dewi", auth.RoleViewer).get("/c/"+other+"/files/"+file).wants(t, 404)

	png := b.share(id, "gambar.png", append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 100)...))
	p = b.get("/c/"+id+"/files/"+png+"/preview").wants(t, 200)
	if p.header.Get("Content-Type") != "image/png" || !strings.HasPrefix(p.header.Get("Content-Disposition"), "inline;") ||
		!strings.Contains(p.header.Get("Content-Security-Policy"), "sandbox") || p.header.Get("X-Frame-Options") != "SAMEORIGIN" {
		t.Error(p.header)
	}
	pdf := b.share(id, "buku.pdf", []byte("%PDF-1.7\n%âãÏÓ\n"))
	p = b.get("/c/"+id+"/files/"+pdf+"/preview").wants(t, 200)
	if p.header.Get("Content-Type") != "application/pdf" || !strings.Contains(p.header.Get("Content-Security-Policy"), "default-src 'none'") ||
		!strings.Contains(p.header.Get("Content-Security-Policy"), "sandbox") {
		t.Error(p.header)
	}
	svg := b.share(id, "x.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`))
	b.get("/c/"+id+"/files/"+svg+"/preview").wants(t, 404)
}

func TestDeletingFiles(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id := s.lesson("A", "")
	dewi, rina, guru := s.student(id, "dewi", auth.RoleViewer), s.student(id, "rina", auth.RoleViewer), s.student(id, "guru", auth.RoleModerator)
	one, two := dewi.share(id, "1.txt", []byte("one")), dewi.share(id, "2.txt", []byte("two"))
	rina.post("/c/"+id+"/files/"+one+"/delete").wants(t, 403)
	dewi.post("/c/"+id+"/files/"+one+"/delete").to(t, "/c/"+id+"/after?done=file")
	guru.post("/c/"+id+"/files/"+two+"/delete").to(t, "/c/"+id+"/after?done=file")
	dewi.get("/c/"+id+"/files/"+one).wants(t, 404)
	dewi.post("/c/"+id+"/files/"+one+"/delete").wants(t, 404)
}

func TestALockedClassKeepsNewPeopleOut(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id := s.lesson("A", "")
	dewi := s.student(id, "dewi", auth.RoleViewer)
	guru := s.join(id, auth.Identity{Key: "token:guru", Name: "Guru", Role: auth.RoleModerator})
	if _, err := guru.SendChat(t.Context(), classroom.ChatRequest{Kind: classroom.ChatMessage, Text: "exam on Friday"}); err != nil {
		t.Fatal(err)
	}
	file := dewi.share(id, "exam.txt", []byte("exam on Friday"))
	if err := guru.Lock(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.get("/c/"+id+"?token="+s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleViewer, Name: "Tono"})).to(t, "/c/"+id)
	b.get("/c/"+id).wants(t, 403, `data-code="classLocked"`)
	for _, way := range []string{"/after", "/files/" + file, "/files/" + file + "/preview"} { // what is in it neither
		if got := b.get("/c/" + id + way); got.status != 403 || strings.Contains(got.body, "exam on Friday") {
			t.Errorf("%s: %d", way, got.status)
		}
	}
	if got := dewi.get("/c/"+id+"/after").wants(t, 200); !strings.Contains(got.body, "exam on Friday") {
		t.Error("who was in it does not see what remains")
	}
	dewi.get("/c/"+id).wants(t, 200, `id="kelas-config"`)
	if l, err := s.classes.Lesson(t.Context(), id); err != nil || !l.Locked {
		t.Fatal(l, err)
	}
}

func TestOnlyOneRequestWritesAnUpload(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id := s.lesson("A", "")
	b := s.student(id, "dewi", auth.RoleViewer)
	// An empty probe holds the upload for a moment too, so the long request
	// may be the one that is turned away; then it is made again.
	for range 20 {
		if refused, done := b.twoWriters(b.begin(id, "a.txt", 10)); refused {
			if done.status != 204 || done.header.Get("Kelas-File-Id") == "" {
				t.Fatal(done.status, done.body)
			}
			return
		}
	}
	t.Fatal("no second request was turned away")
}

// twoWriters sends a long PATCH and probes beside it. It reports whether a
// probe was turned away and how the long one ended.
func (b *browser) twoWriters(at string) (refused bool, done page) {
	b.t.Helper()
	r, w := io.Pipe()
	first := make(chan page, 1)
	go func() {
		first <- b.do("PATCH", at, r, "Tus-Resumable", "1.0.0", "X-CSRF-Token", b.csrf, "Upload-Offset", "0", "Content-Type", patchType)
		r.Close()
	}()
	if _, err := w.Write([]byte("hello")); err != nil {
		return false, <-first
	}
	for {
		select {
		case done = <-first:
			return false, done
		default:
		}
		if p := b.patch(at, 0, nil); p.status == http.StatusLocked && p.code(b.t) == "uploadBusy" {
			break
		}
	}
	if _, err := w.Write([]byte("world")); err != nil {
		return false, <-first
	}
	w.Close()
	return true, <-first
}

func TestAnUploadThatStandsStillEndsAndGoesOn(t *testing.T) {
	s := newSite(t, signaling.Config{Web: web.Config{StallTimeout: 100 * time.Millisecond}})
	id := s.lesson("A", "")
	b := s.student(id, "dewi", auth.RoleViewer)
	at := b.begin(id, "a.txt", 10)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("PATCH", s.url+at, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		req.AddCookie(c)
	}
	if _, err := fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nTus-Resumable: 1.0.0\r\nX-CSRF-Token: %s\r\nUpload-Offset: 0\r\n"+
		"Content-Type: %s\r\nContent-Length: 10\r\n\r\nhello", at, u.Host, req.Header.Get("Cookie"), b.csrf, patchType); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	// Nothing more comes; the server must end it by itself.
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatal("the server keeps a dead upload:", err)
	}
	p := b.tus("HEAD", at, nil)
	if p.status != 200 || p.header.Get("Upload-Offset") != "5" {
		t.Fatal("what came in is lost:", p.status, p.header)
	}
	if p := b.patch(at, 5, []byte("world")); p.status != 204 {
		t.Fatal(p.status, p.body)
	}
}
