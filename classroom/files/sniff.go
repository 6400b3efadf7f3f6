package files

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"kelas/classroom"
)

// DefaultBlockedExt are extensions that a double click runs on some system.
// Source code (js, py, sh) is not among them: it is what some lessons are about.
var DefaultBlockedExt = []string{
	"appref-ms", "appx", "appxbundle", "bat", "chm", "cmd", "com", "cpl", "dll", "exe", "gadget", "hta", "inf", "ins",
	"isp", "jar", "jnlp", "jse", "lnk", "msc", "msh", "msi", "msix", "msp", "mst", "pif", "ps1", "ps1xml", "psc1",
	"reg", "rgs", "scf", "scr", "sct", "shb", "shs", "sys", "url", "vb", "vbe", "vbs", "ws", "wsc", "wsf", "wsh",
}

const (
	anyBytes  = "application/octet-stream"
	plainText = "text/plain; charset=utf-8"
	sniffSize = 512 // all that http.DetectContentType looks at
)

// byExtension gives, for what the first bytes leave open, the type that the
// extension says. The first bytes must fit: from says what they must look
// like, so that a name alone never makes an image or a document.
var byExtension = map[string]struct{ from, to string }{
	"docx": {"application/zip", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	"xlsx": {"application/zip", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	"pptx": {"application/zip", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	"odt":  {"application/zip", "application/vnd.oasis.opendocument.text"},
	"ods":  {"application/zip", "application/vnd.oasis.opendocument.spreadsheet"},
	"odp":  {"application/zip", "application/vnd.oasis.opendocument.presentation"},
	"epub": {"application/zip", "application/epub+zip"},
	"csv":  {"text/plain", "text/csv; charset=utf-8"},
	"md":   {"text/plain", "text/markdown; charset=utf-8"},
	"m4a":  {"video/mp4", "audio/mp4"},
	"ogg":  {"application/ogg", "audio/ogg"},
	"oga":  {"application/ogg", "audio/ogg"},
	"opus": {"application/ogg", "audio/ogg"},
	"ogv":  {"application/ogg", "video/ogg"},
	"doc":  {oleDocument, "application/msword"},
	"xls":  {oleDocument, "application/vnd.ms-excel"},
	"ppt":  {oleDocument, "application/vnd.ms-powerpoint"},
}

// oleDocument stands for the container of older office documents, which
// http.DetectContentType does not know.
const oleDocument = "application/x-ole-storage"

var oleMagic = []byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}

// sniff returns the media type of a file by its first bytes, the extension
// only refining it. What a browser might run as a page or script of this
// site becomes plain bytes.
func sniff(head []byte, name string) string {
	t := http.DetectContentType(head)
	if bytes.HasPrefix(head, oleMagic) {
		t = oleDocument
	}
	base, _, _ := strings.Cut(t, ";")
	if refined, ok := byExtension[lowerExt(name)]; ok && refined.from == base {
		return refined.to
	}
	switch base {
	case "text/html", "text/xml", oleDocument:
		return anyBytes
	case "text/plain":
		if t != plainText { // UTF-16, which it names by the byte order mark
			return t
		}
		if looksActive(head) {
			return anyBytes
		}
	}
	return t
}

// looksActive reports text that a browser may take for a document of its own
// although the sniffing rules do not: SVG without an XML declaration.
func looksActive(head []byte) bool {
	return bytes.Contains(bytes.ToLower(head), []byte("<svg"))
}

// isProgram reports the first bytes of a program, whatever its name says.
func isProgram(head []byte) bool {
	for _, magic := range [][]byte{[]byte("\x7fELF"), {0xfe, 0xed, 0xfa, 0xce}, {0xfe, 0xed, 0xfa, 0xcf},
		{0xce, 0xfa, 0xed, 0xfe}, {0xcf, 0xfa, 0xed, 0xfe}} {
		if bytes.HasPrefix(head, magic) {
			return true
		}
	}
	// "MZ" alone may begin a text; a program has binary bytes right behind.
	return bytes.HasPrefix(head, []byte("MZ")) && strings.HasPrefix(http.DetectContentType(head), anyBytes)
}

// lowerExt returns name's extension without the dot, in lower case.
func lowerExt(name string) string {
	return strings.ToLower(strings.TrimPrefix(extension(name), "."))
}

// checkName refuses a blocked extension before any byte is sent.
func (c Config) checkName(name string) error {
	if slices.ContainsFunc(c.BlockedExt, func(b string) bool { return strings.EqualFold(b, lowerExt(name)) }) {
		return classroom.ErrFileTypeNotAllowed
	}
	return nil
}

// checkContent refuses programs, and types that are not on the list when
// there is one.
func (c Config) checkContent(head []byte, mediaType string) error {
	if isProgram(head) && slices.Contains(c.BlockedExt, "exe") {
		return classroom.ErrFileTypeNotAllowed
	}
	if len(c.AllowedTypes) == 0 {
		return nil
	}
	base, _, _ := strings.Cut(mediaType, ";")
	for _, allowed := range c.AllowedTypes {
		if family, ok := strings.CutSuffix(allowed, "/*"); ok && strings.HasPrefix(base, strings.ToLower(family)+"/") {
			return nil
		}
		if strings.EqualFold(allowed, base) {
			return nil
		}
	}
	return classroom.ErrFileTypeNotAllowed
}
