package signaling_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/signaling"
	"kelas/signaling/auth"
)

func TestFirstStart(t *testing.T) {
	s := newSite(t, signaling.Config{})
	b := s.browser()
	b.get("/").to(t, "/login")
	b.get("/setup").wants(t, http.StatusGone, "does not work any more")
	code, err := s.auth.Accounts.NewSetupCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.get("/setup?code="+code).wants(t, http.StatusOK, `data-testid="setup-name"`, code)
	b.post("/setup", "code", code, "name", "sari", "password", goodPassword, "again", "other", "language", "en").
		wants(t, http.StatusUnprocessableEntity, "not the same", `value="sari"`)
	b.post("/setup", "code", code, "name", "sari", "password", "12345678", "again", "12345678", "language", "en").
		wants(t, http.StatusUnprocessableEntity, "first that are guessed")
	b.post("/setup", "code", code, "name", "sari", "display", "Ibu Sari", "password", goodPassword, "again", goodPassword, "language", "id").
		to(t, "/classes/new")
	b.get("/classes").wants(t, http.StatusOK, "Ibu Sari", "Anda belum punya kelas", `lang="id"`)
	b.get("/admin/users").wants(t, http.StatusOK, "1 akun")
	other := s.browser()
	other.get("/setup?code="+code).wants(t, http.StatusGone)
	other.get("/login")
	other.post("/setup", "code", code, "name", "evil", "password", goodPassword, "again", goodPassword, "language", "en").wants(t, http.StatusGone)
	if strings.Contains(s.log.String(), code) {
		t.Error("the set-up code is in the log")
	}
}

func TestLoginPage(t *testing.T) {
	s := newSite(t, signaling.Config{})
	s.account("sari", auth.AccountTeacher)
	b := s.browser()
	b.get("/classes").to(t, "/login?next=%2Fclasses")
	b.get("/login?next=/account").wants(t, http.StatusOK, `data-testid="login-name"`, `data-testid="login-password"`, `data-testid="login-submit"`)
	for range 3 {
		b.post("/login", "name", "sari", "password", "wrong").wants(t, http.StatusUnauthorized, "name or the password is wrong", `value="sari"`)
	}
	p := b.post("/login", "name", "sari", "password", goodPassword).wants(t, http.StatusTooManyRequests, "Too many attempts failed", "seconds, then try again")
	if p.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	s.account("joko", auth.AccountTeacher)
	b.post("/login", "name", "joko", "password", goodPassword, "next", "//evil.example").to(t, "/classes")
	c := s.browser()
	c.get("/login")
	p = c.post("/login", "name", "joko", "password", goodPassword, "next", "/account")
	p.to(t, "/account")
	for _, line := range p.header.Values("Set-Cookie") {
		if !strings.Contains(line, "HttpOnly") || !strings.Contains(line, "SameSite=Lax") || strings.Contains(line, "Secure") {
			t.Errorf("cookie over plain HTTP: %s", line)
		}
	}
	c.get("/account").wants(t, http.StatusOK, `data-testid="login-session"`)
	c.post("/account/password", "old", "nope", "password", "a new long one", "again", "a new long one").wants(t, http.StatusUnprocessableEntity, "is not this one")
	c.post("/account/password", "old", goodPassword, "password", "a new long one", "again", "a new long one").to(t, "/account?done=password")
	b.get("/account").to(t, "/login?next=%2Faccount") // joko's other browser
	c.get("/account?done=password").wants(t, http.StatusOK, "Your password is changed")
	c.post("/logout-everywhere").to(t, "/login?done=everywhere")
	c.get("/classes").to(t, "/login?next=%2Fclasses")
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	s := newSite(t, signaling.Config{})
	s.account("sari", auth.AccountAdmin)
	b := s.browser()
	before := b.get("/login")
	_ = before
	anonymous := b.csrf
	b.login("sari")
	good := b.csrf
	for name, token := range map[string]string{"none": "", "made up": "x", "from before the log-in": anonymous} {
		b.csrf = token
		for _, path := range []string{"/logout", "/logout-everywhere", "/classes/new", "/account/password", "/language",
			"/admin/users/create", "/admin/users/reset", "/admin/users/disable", "/admin/keys/create", "/admin/keys/revoke", "/setup", "/login"} {
			p := b.post(path, "name", "evil", "role", "admin", "password", goodPassword, "title", "evil", "language", "id")
			b.csrf = token
			p.wants(t, http.StatusForbidden, `data-code="form"`)
			_ = name
		}
	}
	other := s.browser()
	other.get("/login")
	b.csrf = other.csrf // another browser's
	b.post("/classes/new", "title", "evil").wants(t, http.StatusForbidden)
	b.csrf = good
	b.get("/classes").wants(t, http.StatusOK, `data-testid="classes-empty"`)
	b.post("/classes/new", "title", "Fine").to(t, "/classes?done=class")
}

func TestGuestComesByInvitation(t *testing.T) {
	s := newSite(t, signaling.Config{})
	sari := s.account("sari", auth.AccountTeacher)
	teacher := s.browser().login("sari")
	teacher.post("/classes/new", "title", "").wants(t, http.StatusUnprocessableEntity, "title cannot be used")
	teacher.post("/classes/new", "title", "Biology <8B>").to(t, "/classes?done=class")
	own, err := s.classes.Lessons(t.Context(), sari.ID)
	if err != nil || len(own) != 1 {
		t.Fatal(own, err)
	}
	id := own[0].ID
	teacher.get("/classes").wants(t, http.StatusOK, "Biology &lt;8B&gt;", `data-testid="copy-student-link"`)
	p := teacher.do("POST", "/c/"+id+"/links", strings.NewReader("role=viewer"), "X-CSRF-Token", teacher.csrf, "Content-Type", "application/x-www-form-urlencoded")
	var made struct {
		URL  string
		Role string
	}
	if err := json.Unmarshal([]byte(p.body), &made); err != nil || p.status != 200 || !strings.HasPrefix(made.URL, s.url+"/c/"+id+"?token=") {
		t.Fatal(p.status, p.body)
	}
	teacher.post("/c/"+id+"/links", "role", "moderator").wants(t, http.StatusOK, `data-testid="link-url"`, "co-teachers")
	p = teacher.do("POST", "/c/"+id+"/links", strings.NewReader("role=presenter"), "X-CSRF-Token", teacher.csrf, "Content-Type", "application/x-www-form-urlencoded")
	if p.status != http.StatusBadRequest || p.code(t) != "badMessage" {
		t.Fatal(p.status, p.body)
	}

	guest := s.browser()
	guest.get("/c/"+id).wants(t, http.StatusUnauthorized, `data-code="noIdentity"`, "/login?next=")
	guest.get(made.URL).wants(t, http.StatusOK, `data-testid="guest-name"`, "Biology &lt;8B&gt;")
	token := strings.SplitN(made.URL, "token=", 2)[1]
	guest.post("/c/"+id+"/enter", "token", token, "name", " ").wants(t, http.StatusUnprocessableEntity, `data-testid="enter-error"`)
	guest.post("/c/"+id+"/enter", "token", token, "name", `Dewi </script><b>`).to(t, "/c/"+id)
	p = guest.get("/c/"+id).wants(t, http.StatusOK, `id="kelas-config"`)
	cfg := pageConfig(t, p)
	if cfg.ClassID != id || cfg.Title != "Biology <8B>" || cfg.Me.Name != "Dewi </script><b>" || cfg.Me.Role != "viewer" || cfg.Me.Account ||
		cfg.CSRF == "" || cfg.URLs["uploads"] != "/c/"+id+"/uploads" || cfg.URLs["links"] != "" || cfg.URLs["attendance"] != "" || cfg.Limits["fileMaxSize"] != 1<<20 {
		t.Fatalf("%+v", cfg)
	}
	if strings.Contains(p.body, "</script><b>") {
		t.Fatal("a name ends the script")
	}
	guest.get(made.URL).to(t, "/c/"+id) // the same browser again
	guest.get("/c/"+id+"/attendance").wants(t, http.StatusForbidden, `data-code="notAllowed"`)
	guest.get("/c/"+id+"/attendance.csv").wants(t, http.StatusForbidden)
	guest.post("/c/"+id+"/links", "role", "viewer").wants(t, http.StatusForbidden)
	guest.get("/c/"+s.lesson("Other", "")).wants(t, http.StatusUnauthorized)

	me := pageConfig(t, teacher.get("/c/"+id))
	if me.Me.Role != "presenter" || !me.Me.Account || me.URLs["links"] == "" || me.URLs["attendance"] == "" {
		t.Fatalf("%+v", me)
	}
	personal := s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleModerator, Name: "Pak Joko"})
	joko := s.browser()
	joko.get("/c/"+id+"?token="+personal).to(t, "/c/"+id)
	if c := pageConfig(t, joko.get("/c/"+id)); c.Me.Name != "Pak Joko" || c.Me.Role != "moderator" {
		t.Fatalf("%+v", c)
	}
	if log := s.log.String(); strings.Contains(log, token) || strings.Contains(log, personal) {
		t.Error("a token is in the log")
	}
}

type testConfig struct {
	ClassID, Title, CSRF string
	Me                   struct {
		Name, Role string
		Account    bool
	}
	URLs   map[string]string
	Limits map[string]int64
}

var configScript = regexp.MustCompile(`(?s)<script type="application/json" id="kelas-config">(.*?)</script>`)

func pageConfig(t *testing.T, p page) testConfig {
	t.Helper()
	var c testConfig
	m := configScript.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("%d: no configuration: %.300s", p.status, p.body)
	}
	if err := json.Unmarshal([]byte(m[1]), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBadTokensAreExplained(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id, other := s.lesson("A", ""), s.lesson("B", "")
	expired := s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleViewer, Name: "X", Expires: time.Now().Add(-time.Minute)})
	early := s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleViewer, Name: "X", NotBefore: time.Now().Add(time.Hour)})
	good := s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleViewer, Name: "X"})
	b := s.browser()
	for _, c := range []struct {
		path   string
		status int
		code   string
	}{
		{"/c/" + id + "?token=" + expired, 401, "tokenExpired"},
		{"/c/" + id + "?token=" + early, 401, "tokenNotYet"},
		{"/c/" + id + "?token=" + good[:len(good)-3] + "AAA", 401, "tokenForged"},
		{"/c/" + other + "?token=" + good, 403, "tokenOtherClass"},
		{"/c/nothere?token=" + good, 404, "classNotFound"},
		{"/c/no%2Fhere", 404, "notFound"}, {"/c/a%20b", 404, "classNotFound"},
		{"/nothing", 404, "notFound"}, {"/c/" + id + "/files/x", 401, "noIdentity"},
	} {
		b.get(c.path).wants(t, c.status, `data-code="`+c.code+`"`)
		b.lang = "id"
		p := b.get(c.path).wants(t, c.status)
		if strings.Contains(p.body, ">site.problem") {
			t.Error("words are missing for", c.code)
		}
		b.lang = "en"
	}
}

func TestPeoplePage(t *testing.T) {
	s := newSite(t, signaling.Config{})
	admin := s.account("root1", auth.AccountAdmin)
	s.account("guru1", auth.AccountTeacher)
	teacher := s.browser().login("guru1")
	for _, path := range []string{"/admin/users", "/admin/keys"} {
		teacher.get(path).wants(t, http.StatusForbidden, `data-code="notAllowed"`)
	}
	teacher.post("/admin/users/create", "name", "evil", "role", "admin").wants(t, http.StatusForbidden)
	teacher.post("/admin/users/reset", "id", admin.ID).wants(t, http.StatusForbidden)
	teacher.post("/admin/users/disable", "id", admin.ID, "disabled", "true").wants(t, http.StatusForbidden)
	s.account("murid1", auth.AccountStudent)
	student := s.browser().login("murid1")
	student.get("/classes/new").wants(t, http.StatusForbidden)
	student.post("/classes/new", "title", "x").wants(t, http.StatusForbidden)

	b := s.browser().login("root1")
	b.get("/admin/users").wants(t, http.StatusOK, "guru1", `data-testid="import-file"`)
	p := b.post("/admin/users/create", "name", "budi", "role", "student").wants(t, http.StatusOK, `data-testid="new-password-value"`)
	pw := regexp.MustCompile(`new-password-value">([^<]+)<`).FindStringSubmatch(p.body)[1]
	budi := s.browser()
	budi.get("/login")
	budi.post("/login", "name", "budi", "password", pw).to(t, "/classes")
	b.post("/admin/users/create", "name", "BUDI", "role", "student").wants(t, http.StatusUnprocessableEntity, "already an account")
	b.post("/admin/users/create", "name", "x", "role", "boss").wants(t, http.StatusUnprocessableEntity, "role must be")
	acct, err := s.auth.Accounts.ByName(t.Context(), "budi")
	if err != nil {
		t.Fatal(err)
	}
	b.post("/admin/users/disable", "id", acct.ID, "disabled", "true").to(t, "/admin/users?done=disabled")
	budi.get("/classes").to(t, "/login?next=%2Fclasses")
	b.post("/admin/users/disable", "id", admin.ID, "disabled", "true").wants(t, http.StatusUnprocessableEntity, "cannot disable your own")
	b.post("/admin/users/disable", "id", "nobody", "disabled", "true").wants(t, http.StatusNotFound)
	b.post("/admin/users/reset", "id", acct.ID).wants(t, http.StatusOK, `data-testid="new-password-value"`)

	var form bytes.Buffer
	mw := multipart.NewWriter(&form)
	_ = mw.WriteField("csrf", b.csrf)
	fw, _ := mw.CreateFormFile("file", "people.csv")
	_, _ = fw.Write([]byte("name,role\n<i>rina</i>,student\nbudi,student\n"))
	_ = mw.Close()
	raw := form.String()
	b.do("POST", "/admin/users/import", strings.NewReader(raw), "Content-Type", mw.FormDataContentType()).
		wants(t, http.StatusOK, "&lt;i&gt;rina&lt;/i&gt;", "already an account", "1 account made", "1 row not used")
	b.do("POST", "/admin/users/import", strings.NewReader(strings.Replace(raw, "name,role", "what,role", 1)), "Content-Type", mw.FormDataContentType()).
		wants(t, http.StatusUnprocessableEntity, "must name the columns")
	b.do("POST", "/admin/users/import", strings.NewReader("csrf="+b.csrf), "Content-Type", "application/x-www-form-urlencoded").wants(t, http.StatusBadRequest)
}

func TestAttendance(t *testing.T) {
	s := newSite(t, signaling.Config{})
	sari := s.account("sari", auth.AccountTeacher)
	id := s.lesson("Kimia, kelas 9", sari.ID)
	evil := s.join(id, auth.Identity{Key: "token:1", Name: `=HYPERLINK("http://x")`, Role: auth.RoleViewer})
	s.join(id, auth.Identity{Key: "token:2", Name: "<b>Dewi", Role: auth.RoleViewer})
	evil.Leave(t.Context())
	b := s.browser().login("sari")
	s.recorded(id, func(list []classroom.Attendance) bool { return len(list) == 2 && !list[0].LeftAt.IsZero() })
	b.get("/c/"+id+"/attendance").wants(t, http.StatusOK, "&lt;b&gt;Dewi", "here now", "=HYPERLINK(&#34;")
	p := b.get("/c/"+id+"/attendance.csv?tz=Asia/Jakarta").wants(t, http.StatusOK)
	if d := p.header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment;") || !strings.Contains(d, "Kimia") {
		t.Error(d)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(p.body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatal(rows, err)
	}
	if rows[1][0] != `'=HYPERLINK("http://x")` || rows[2][0] != "<b>Dewi" || rows[1][1] != "Student" || rows[1][3] == "" || rows[2][3] != "" || !strings.Contains(rows[0][2], "Asia/Jakarta") {
		t.Error(rows)
	}
	for _, zone := range []string{"", "../../etc/passwd", "Local", strings.Repeat("x", 100)} {
		b.get("/c/"+id+"/attendance.csv?tz="+zone).wants(t, http.StatusOK, "(UTC)")
	}
}

func TestWhatRemainsOfAClass(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id := s.lesson("Biologi", "")
	dewi := s.join(id, auth.Identity{Key: "token:dewi", Name: "Dewi", Role: auth.RoleViewer})
	rina := s.join(id, auth.Identity{Key: "token:rina", Name: "Rina", Role: auth.RoleViewer})
	for _, c := range []classroom.ChatRequest{
		{Kind: classroom.ChatMessage, Text: "halo <script>alert(1)</script>", ClientID: "1"},
		{Kind: classroom.ChatPrivate, To: rina.Participant().ID, Text: "rahasia kita", ClientID: "2"},
	} {
		if _, err := dewi.SendChat(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	seat := func(jti, name string) *browser {
		b := s.browser()
		b.get("/c/"+id+"?token="+s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleViewer, ID: jti, Name: name})).to(t, "/c/"+id)
		return b
	}
	s.recorded(id, func(list []classroom.Attendance) bool {
		seq, err := s.store.LastChatSeq(t.Context(), id) // the two come to the store one after the other
		return err == nil && seq == 2 && len(list) == 2
	})
	r := seat("rina", "Rina")
	r.get("/c/"+id+"/after").wants(t, http.StatusOK, "halo &lt;script&gt;", "rahasia kita", "Private, to Rina", "When you were here")
	p := seat("tono", "Tono").get("/c/"+id+"/after").wants(t, http.StatusOK, "halo")
	if strings.Contains(p.body, "rahasia") {
		t.Fatal("a private message is shown to somebody else")
	}
	mod := s.join(id, auth.Identity{Key: "token:mod", Name: "Guru", Role: auth.RoleModerator})
	if err := mod.Remove(t.Context(), rina.Participant().ID); err != nil {
		t.Fatal(err)
	}
	r.get("/c/"+id+"/after").wants(t, http.StatusForbidden, `data-code="removed"`)
	r.get("/c/"+id).wants(t, http.StatusForbidden, `data-code="removed"`)
}

func TestLanguage(t *testing.T) {
	s := newSite(t, signaling.Config{})
	s.account("sari", auth.AccountTeacher)
	b := s.browser()
	b.lang = "id-ID,id;q=0.9"
	b.get("/login").wants(t, http.StatusOK, `<html lang="id">`, "Kata sandi")
	b.post("/language", "language", "en", "next", "/login?next=/account").to(t, "/login?next=/account")
	b.get("/login").wants(t, http.StatusOK, `<html lang="en">`)
	b.login("sari")
	b.post("/language", "language", "id", "next", "/account").to(t, "/account")
	other := s.browser().login("sari") // the account keeps it
	other.get("/account").wants(t, http.StatusOK, `<html lang="id">`)
	other.post("/language", "language", "xx").wants(t, http.StatusBadRequest)
}
