package web

import (
	"encoding/base64"
	"mime"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"kelas/static"
	"kelas/templates"
)

func TestAMissingOrBrokenPageFailsAtTheStart(t *testing.T) {
	if _, err := parsePages(templates.FS); err != nil {
		t.Fatal(err)
	}
	whole := fstest.MapFS{}
	for _, n := range append([]string{"layout"}, pageNames...) {
		whole[n+".html"] = &fstest.MapFile{Data: []byte(`{{define "title"}}{{end}}{{define "main"}}{{end}}`)}
	}
	whole["layout.html"] = &fstest.MapFile{Data: []byte(`{{define "layout"}}{{template "main" .}}{{end}}`)}
	whole["class.html"] = &fstest.MapFile{Data: []byte(`x`)}
	if _, err := parsePages(whole); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"login.html", "class.html", "layout.html", "problem.html"} {
		for what, file := range map[string]*fstest.MapFile{"missing": nil, "broken": {Data: []byte("{{if}}")}} {
			was := whole[name]
			delete(whole, name)
			if file != nil {
				whole[name] = file
			}
			if _, err := parsePages(whole); err == nil {
				t.Errorf("%s is %s and nobody notices", name, what)
			}
			whole[name] = was
		}
	}
}

func TestLocal(t *testing.T) {
	for to, want := range map[string]string{
		"/classes": "/classes", "/c/x?before=2": "/c/x?before=2", "": "!", "classes": "!", "//evil.example": "!", "/\\evil.example": "!",
		"https://evil.example/": "!", "javascript:alert(1)": "!", "/a\r\nSet-Cookie: x": "!", "/" + strings.Repeat("a", 3000): "!", "/\t/evil.example": "!",
	} {
		if got := local(to, "!"); got != want {
			t.Errorf("%q: %q", to, got)
		}
	}
}

func TestDisposition(t *testing.T) {
	for _, name := range []string{"plain.pdf", "with space.txt", `quote".txt`, `back\slash`, "..", "a\r\nb: c", "Résumé – 日本.pdf", "100%.txt", "'; filename=evil", "semi;colon"} {
		h := disposition("attachment", name)
		if strings.ContainsAny(h, "\r\n") || !utf8.ValidString(h) {
			t.Fatalf("%q: %q", name, h)
		}
		for _, r := range h {
			if r > 0x7e {
				t.Fatalf("%q: not ASCII: %q", name, h)
			}
		}
		kind, params, err := mime.ParseMediaType(h) // reads filename* first (RFC 8187)
		if err != nil || kind != "attachment" || params["filename"] != name {
			t.Errorf("%q: %q: %v %v", name, h, params, err)
		}
	}
}

func TestUploadName(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	for header, want := range map[string]string{
		"filename " + b64([]byte("tugas 1.pdf")): "tugas 1.pdf",
		"filetype " + b64([]byte("application/pdf")) + ",filename " + b64([]byte("é.pdf")) + ",is_confidential": "é.pdf",
		"": "", "filename": "", "filename !!!": "", "filename " + b64([]byte{0xff, 0xfe}): "", "other x": "",
		"filename " + b64(make([]byte, 5000)): "",
	} {
		got, err := uploadName(header)
		if want != "" && (got != want || err != nil) || want == "" && err == nil && got != "" {
			t.Errorf("%.60q: %q, %v", header, got, err)
		}
	}
}

func FuzzUploadMetadata(f *testing.F) {
	f.Add("filename dHVnYXM=,filetype eA==")
	f.Add(",, ,filename ")
	f.Fuzz(func(t *testing.T, header string) {
		name, err := uploadName(header)
		if err == nil && !utf8.ValidString(name) {
			t.Fatalf("%q", name)
		}
		if h := disposition("attachment", name); strings.ContainsAny(h, "\r\n\x00") {
			t.Fatalf("%q", h)
		}
	})
}

func TestBrowserName(t *testing.T) {
	for ua, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36":                                   "Chrome, Linux",
		"Mozilla/5.0 (Android 15; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0":                                                                    "Firefox, Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari, iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0":           "Edge, Windows",
		"curl/8.5.0": "curl/8.5.0", "": "",
	} {
		if got := browserName(ua); got != want {
			t.Errorf("%q: %q", ua, got)
		}
	}
}

func TestAssets(t *testing.T) {
	a, err := loadAssets(static.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"css/site.css", "css/kelas.css", "js/site.js", "js/theme.js", "img/kelas.svg", "i18n/site.id.json"} {
		f, ok := a.files[name]
		if !ok || f.kind == "application/octet-stream" || len(f.plain) == 0 {
			t.Errorf("%s: %v %q", name, ok, f.kind)
		}
	}
	// Every asset that a template names is there; third-party ones come from scripts/setup.
	for _, page := range []string{"layout.html", "class.html"} {
		raw, err := templates.FS.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(raw), `.Asset "`)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			if _, ok := a.files[name]; !ok && !strings.HasPrefix(name, "third-party/") {
				t.Errorf("%s names %s, which is not there", page, name)
			}
		}
	}
}
