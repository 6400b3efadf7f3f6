package files

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"kelas/classroom"
)

func TestCleanName(t *testing.T) {
	long := strings.Repeat("界", 100)
	for in, want := range map[string]string{
		"Bab 1.pdf":                       "Bab 1.pdf",
		"../../etc/passwd":                "passwd",
		`C:\Users\siti\tugas.docx`:        "tugas.docx",
		`..\..\boot.ini`:                  "boot.ini",
		"/":                               "",
		"..":                              "",
		"...":                             "",
		" . ":                             "",
		".htaccess":                       "htaccess",
		"..a":                             "a",
		"a.exe.":                          "a.exe",
		"a.exe . .":                       "a.exe",
		"a.pdf          .exe":             "a.pdf .exe",
		"\u202efdp.exe":                   "fdp.exe",
		"a\u202egpj.exe":                  "agpj.exe",
		"a\x00b\r\nc\t d\x7f\u0085.txt":   "ab c d .txt",
		"a\u200b\ufeff\u2060b":            "ab",
		"\xff\xfeabc\xc3":                 "abc",
		`<a href="x">?*|.txt`:             "_a href=_x_____.txt",
		"con":                             "_con",
		"CON.txt":                         "_CON.txt",
		"aux.tar.gz":                      "_aux.tar.gz",
		"com1":                            "_com1",
		"COM¹.pdf":                        "_COM¹.pdf",
		"lpt9 .txt":                       "_lpt9 .txt",
		"console.log":                     "console.log",
		"com10.txt":                       "com10.txt",
		"nul:":                            "nul_",
		"Ujian akhir – kelas Ⅹ.pdf":       "Ujian akhir – kelas Ⅹ.pdf",
		"نمونه\u200cها.pdf":               "نمونه\u200cها.pdf",
		"👩\u200d🏫.png":                    "👩\u200d🏫.png",
		long + ".pdf":                     strings.Repeat("界", 65) + ".pdf",
		strings.Repeat("a", 300):          strings.Repeat("a", 200),
		"a." + strings.Repeat("b", 300):   ("a." + strings.Repeat("b", 300))[:200],
		strings.Repeat("e\u0301", 200):    strings.Repeat("e\u0301", 66),
		strings.Repeat("x", 198) + "....": strings.Repeat("x", 198),
	} {
		got, err := CleanName(in)
		if want == "" {
			if !errors.Is(err, classroom.ErrFileNameInvalid) {
				t.Errorf("%q became %q, %v", in, got, err)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%q became %q (%v), want %q", in, got, err, want)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	for _, seed := range []string{"a.pdf", "../../x", "con.txt", ".\u200d.a", "a\u202eb", strings.Repeat("é.", 150), "\xff", "com¹ .x",
		strings.Repeat("a", 190) + "." + strings.Repeat("b", 18), "_.", "CON\u200c.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		name, err := CleanName(in)
		if err != nil {
			if name != "" || !errors.Is(err, classroom.ErrFileNameInvalid) {
				t.Fatalf("%q, %v", name, err)
			}
			return
		}
		switch {
		case name == "" || len(name) > maxName:
			t.Fatalf("%q has %d bytes", name, len(name))
		case !utf8.ValidString(name):
			t.Fatalf("%q is not UTF-8", name)
		case filepath.Base(name) != name || strings.ContainsAny(name, "/\\<>:\"|?*"):
			t.Fatalf("%q is more than a name", name)
		case strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.TrimSpace(name) != name:
			t.Fatalf("%q has odd edges", name)
		case isReserved(name):
			t.Fatalf("%q is a device", name)
		case strings.ContainsFunc(name, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\ufeff'
		}):
			t.Fatalf("%q has what cannot be seen", name)
		}
		if again, err := CleanName(name); err != nil || again != name {
			t.Fatalf("%q becomes %q when cleaned again (%v)", name, again, err)
		}
	})
}

func TestSniff(t *testing.T) {
	for _, test := range []struct{ name, head, want string }{
		{"a.png", "\x89PNG\r\n\x1a\n", "image/png"},
		{"a.exe", "\x89PNG\r\n\x1a\n", "image/png"},
		{"a.pdf", "%PDF-1.4", "application/pdf"},
		{"a.pdf", "hello", plainText},
		{"a.png", "hello", plainText},
		{"a.csv", "a,b\n1,2", "text/csv; charset=utf-8"},
		{"a.csv", "\x00\x01", anyBytes},
		{"a.docx", "PK\x03\x04....", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"a.docx", "%PDF-1.4", "application/pdf"},
		{"a.zip", "PK\x03\x04....", "application/zip"},
		{"a.doc", string(oleMagic), "application/msword"},
		{"a.bin", string(oleMagic), anyBytes},
		{"a.html", "<html>", anyBytes},
		{"a.txt", "  <!DOCTYPE HTML>", anyBytes},
		{"a.svg", "<?xml version='1.0'?><svg>", anyBytes},
		{"a.svg", "<svg onload=alert(1)>", anyBytes},
		{"a.csv", "<script>x</script>", anyBytes},
		{"a.m4a", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "audio/mp4"},
		{"a", "", plainText},
	} {
		if got := sniff([]byte(test.head), test.name); got != test.want {
			t.Errorf("%s with %q is %s, want %s", test.name, test.head, got, test.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for field, cfg := range map[string]Config{
		"Dir":            {},
		"MaxSize":        {Dir: "x", MaxSize: -1},
		"ClassQuota":     {Dir: "x", ClassQuota: -1},
		"MaxUploadsEach": {Dir: "x", MaxUploadsEach: -1},
		"UploadTTL":      {Dir: "x", UploadTTL: -1},
		"AllowedTypes":   {Dir: "x", AllowedTypes: []string{"image"}},
		"BlockedExt":     {Dir: "x", BlockedExt: []string{".exe"}},
	} {
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := (Config{Dir: "x"}).Validate(); err != nil {
		t.Error(err)
	}
}
