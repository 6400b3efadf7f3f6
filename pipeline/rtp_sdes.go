package pipeline

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/pion/srtp/v3"
)

// CryptoSuite names how SRTP is encrypted when the keys are in the session
// description (RFC 4568, section 6.2; RFC 6188, section 4), as in SDP.
type CryptoSuite string

const (
	AES128CMSHA80 CryptoSuite = "AES_CM_128_HMAC_SHA1_80"
	AES128CMSHA32 CryptoSuite = "AES_CM_128_HMAC_SHA1_32"
	AES256CMSHA80 CryptoSuite = "AES_256_CM_HMAC_SHA1_80"
	AES256CMSHA32 CryptoSuite = "AES_256_CM_HMAC_SHA1_32"
)

// CryptoSuites are those that are known, in the order of preference.
func CryptoSuites() []CryptoSuite {
	return []CryptoSuite{AES128CMSHA80, AES128CMSHA32, AES256CMSHA80, AES256CMSHA32}
}

// SDES has an RtpEndpoint encrypt. Its key is what this side sends with.
type SDES struct {
	// Suite is the only one that is used; "" means AES128CMSHA80.
	Suite CryptoSuite
	// Key is master key and salt, 30 bytes (46 with AES-256); nil means random.
	Key []byte
}

func (c CryptoSuite) profile() (p srtp.ProtectionProfile, key, salt int, err error) {
	p, ok := map[CryptoSuite]srtp.ProtectionProfile{
		AES128CMSHA80: srtp.ProtectionProfileAes128CmHmacSha1_80,
		AES128CMSHA32: srtp.ProtectionProfileAes128CmHmacSha1_32,
		AES256CMSHA80: srtp.ProtectionProfileAes256CmHmacSha1_80,
		AES256CMSHA32: srtp.ProtectionProfileAes256CmHmacSha1_32,
	}[c]
	if !ok {
		return 0, 0, 0, fmt.Errorf("%w: the suite %q is not known", ErrBadKey, string(c))
	}
	if key, err = p.KeyLen(); err == nil {
		salt, err = p.SaltLen()
	}
	return p, key, salt, err
}

// check fills in what was left out and holds the key to its length.
func (s SDES) check() (SDES, error) {
	if s.Suite == "" {
		s.Suite = AES128CMSHA80
	}
	_, key, salt, err := s.Suite.profile()
	switch {
	case err != nil:
		return s, err
	case s.Key == nil:
		s.Key = make([]byte, key+salt)
		_, _ = rand.Read(s.Key) // never fails: crypto/rand ends the program instead
	case len(s.Key) != key+salt:
		return s, fmt.Errorf("%w: it has %d bytes, %s needs %d", ErrBadKey, len(s.Key), s.Suite, key+salt)
	}
	return s, nil
}

// context makes what encrypts, or decrypts, one direction.
func (s SDES) context() (*srtp.Context, error) {
	p, key, _, err := s.Suite.profile()
	if err != nil {
		return nil, err
	}
	c, err := srtp.CreateContext(s.Key[:key], s.Key[key:], p, srtp.SRTPReplayProtection(128), srtp.SRTCPReplayProtection(64))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBadKey, err)
	}
	return c, nil
}

// line is the value of a=crypto (RFC 4568, section 9.1).
func (s SDES) line(tag int) string {
	return fmt.Sprintf("%d %s inline:%s", tag, s.Suite, base64.StdEncoding.EncodeToString(s.Key))
}

// readCrypto reads the value of a=crypto. What it asks for and is not there (a
// master key identifier, session parameters) makes the line unusable: leaving
// it out would leave a stream that nobody can decrypt.
func readCrypto(value string) (tag int, s SDES, err error) {
	fields := strings.Fields(value)
	if len(fields) < 3 {
		return 0, s, fmt.Errorf("%w: a=crypto has fewer than three parts", ErrBadKey)
	}
	if tag, err = strconv.Atoi(fields[0]); err != nil || tag < 0 || tag > 999999999 {
		return 0, s, fmt.Errorf("%w: the tag of a=crypto is no number", ErrBadKey)
	}
	s.Suite = CryptoSuite(fields[1])
	if _, _, _, err := s.Suite.profile(); err != nil {
		return 0, s, err
	}
	for _, p := range fields[3:] {
		if !strings.HasPrefix(p, "WSH=") { // only a hint (section 6.3.7)
			return 0, s, fmt.Errorf("%w: a=crypto has parameters that are not known", ErrBadKey)
		}
	}
	inline, ok := strings.CutPrefix(fields[2], "inline:")
	if !ok || strings.Contains(inline, ";") {
		return 0, s, fmt.Errorf("%w: a=crypto has not one inline key", ErrBadKey)
	}
	key, rest, _ := strings.Cut(inline, "|")
	if strings.Contains(rest, ":") {
		return 0, s, fmt.Errorf("%w: master key identifiers are not there", ErrBadKey)
	}
	if s.Key, err = base64.StdEncoding.DecodeString(key); err != nil {
		return 0, s, fmt.Errorf("%w: it is not base64", ErrBadKey)
	}
	if len(s.Key) == 0 {
		return 0, s, fmt.Errorf("%w: it is empty", ErrBadKey)
	}
	s, err = s.check()
	return tag, s, err
}

const (
	// A master key protects so many packets of SRTP and of SRTCP at most (RFC
	// 3711, section 9.2); what encrypts refuses more.
	srtpKeyLife  = 1 << 48
	srtcpKeyLife = 1 << 31
	// keyMargin is how many packets before the end an application is told, as
	// many as libsrtp's.
	keyMargin = 1 << 16
)

// keyUse is how many packets one master key has protected on one m-line.
type keyUse struct{ rtp, rtcp uint64 }

// count takes a packet; true: the end is near.
func (u *keyUse) count(control bool) (near bool) {
	if control {
		u.rtcp++
		return u.rtcp >= srtcpKeyLife-keyMargin
	}
	u.rtp++
	return u.rtp >= srtpKeyLife-keyMargin
}
