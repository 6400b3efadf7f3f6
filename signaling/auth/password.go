package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// argon2id with 19 MiB, two passes and one lane: the size that RFC 9106's
// reasoning leaves to a server with little memory, about 30 ms on one core.
// Accounts bounds how many run at once.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	saltSize     = 16
	keySize      = 32
)

// Limits on what a stored hash may ask for, so that a damaged row cannot
// take the memory of the whole server.
const (
	argonMemoryMax = 256 * 1024
	argonTimeMax   = 16
)

// Lengths of a password: at least passwordMin characters, at most passwordMax bytes.
const (
	passwordMin = 8
	passwordMax = 256
)

// HashPassword returns the PHC string of pw: $argon2id$v=19$m=..,t=..,p=..$salt$key.
func HashPassword(pw string) (string, error) {
	if len(pw) > passwordMax {
		return "", ErrPasswordLong
	}
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails since Go 1.24
	key := argon2.IDKey([]byte(pw), salt, argonTime, argonMemory, argonThreads, keySize)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		argonMemory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// VerifyPassword compares pw with a PHC string. needsRehash is true when the
// string was made with other parameters than today's.
func VerifyPassword(phc, pw string) (ok, needsRehash bool, err error) {
	h, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	if len(pw) > passwordMax {
		return false, false, nil
	}
	got := argon2.IDKey([]byte(pw), h.salt, h.time, h.memory, h.threads, uint32(len(h.key)))
	ok = subtle.ConstantTimeCompare(got, h.key) == 1
	needsRehash = h.time != argonTime || h.memory != argonMemory || h.threads != argonThreads || len(h.key) != keySize
	return ok, needsRehash, nil
}

type phcHash struct {
	time, memory uint32
	threads      uint8
	salt, key    []byte
}

func parsePHC(s string) (phcHash, error) {
	var h phcHash
	parts := strings.Split(s, "$")
	if len(s) > 512 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" ||
		parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, ErrPasswordFormat
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil || n != 3 {
		return h, ErrPasswordFormat
	}
	if h.time < 1 || h.time > argonTimeMax || h.threads < 1 ||
		h.memory < 8*uint32(h.threads) || h.memory > argonMemoryMax {
		return h, ErrPasswordFormat
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(h.salt) < 8 {
		return h, ErrPasswordFormat
	}
	if h.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(h.key) < 16 {
		return h, ErrPasswordFormat
	}
	return h, nil
}

// CheckPassword refuses a new password that is too short, too long or would
// be guessed in the first few attempts. There are no rules about kinds of
// characters; they make passwords worse.
func CheckPassword(pw, name string) error {
	switch {
	case len(pw) > passwordMax:
		return ErrPasswordLong
	case utf8.RuneCountInString(pw) < passwordMin:
		return ErrPasswordShort
	case !utf8.ValidString(pw):
		return ErrPasswordWeak
	}
	low := strings.ToLower(pw)
	if name != "" && strings.Trim(strings.ReplaceAll(low, strings.ToLower(name), ""), "0123456789!.-_ ") == "" {
		return ErrPasswordWeak
	}
	if strings.Trim(low, string(low[0])) == "" || strings.Contains("01234567890123456789", low) ||
		strings.Contains("abcdefghijklmnopqrstuvwxyz", low) || guessedFirst[strings.Trim(low, "0123456789!.-_ ")] {
		return ErrPasswordWeak
	}
	return nil
}

// guessedFirst holds the cores of passwords that lists of leaked ones begin
// with and that reach passwordMin with digits around them.
var guessedFirst = map[string]bool{
	"password": true, "passw": true, "passwd": true, "p@ssword": true, "p@ssw0rd": true, "qwerty": true, "qwertyuiop": true,
	"asdfghjkl": true, "admin": true, "administrator": true, "rahasia": true, "sandi": true, "katasandi": true,
	"guru": true, "siswa": true, "murid": true, "sekolah": true, "kelas": true, "teacher": true, "student": true,
	"school": true, "welcome": true, "selamat": true, "indonesia": true, "iloveyou": true, "sayang": true,
	"letmein": true, "secret": true, "changeme": true, "bismillah": true, "jakarta": true, "merdeka": true,
}
