package pipeline

import (
	"crypto/rand"
	"encoding/hex"
)

// newID makes an id in Kurento's form: "<uuid>_kurento.MediaPipeline", and for
// a child "<parent>/<uuid>_kurento.WebRtcEndpoint".
func newID(parent, kind string) string {
	id := newUUID() + "_kurento." + kind
	if parent == "" {
		return id
	}
	return parent + "/" + id
}

// newUUID is a version 4 UUID (RFC 9562, section 5.4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}
