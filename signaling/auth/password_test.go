package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
)

func TestPasswordRoundTrip(t *testing.T) {
	phc, err := HashPassword("saya suka hujan")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("not the PHC string that was chosen: %s", phc)
	}
	if again, _ := HashPassword("saya suka hujan"); again == phc {
		t.Fatal("two hashes of one password are equal: no salt")
	}
	if ok, rehash, err := VerifyPassword(phc, "saya suka hujan"); !ok || rehash || err != nil {
		t.Fatal(ok, rehash, err)
	}
	if ok, _, err := VerifyPassword(phc, "saya suka hujan "); ok || err != nil {
		t.Fatal("another password was taken", err)
	}
}

func TestPasswordOfOtherParametersAsksForRehash(t *testing.T) {
	salt := []byte("0123456789abcdef")
	key := argon2.IDKey([]byte("pw"), salt, 1, 64, 1, 32)
	phc := fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
	if ok, rehash, err := VerifyPassword(phc, "pw"); !ok || !rehash || err != nil {
		t.Fatal(ok, rehash, err)
	}
}

func TestDamagedHashesAreRefused(t *testing.T) {
	salt, key := base64.RawStdEncoding.EncodeToString(make([]byte, 16)), base64.RawStdEncoding.EncodeToString(make([]byte, 32))
	for _, phc := range []string{"", "$", "plain", "$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4000000,t=1,p=1$" + salt + "$" + key, // 4 GB
		"$argon2id$v=19$m=64,t=1000,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=1$AA$" + key, "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$AA",
		"$argon2id$v=19$m=64,t=1,p=1$!!$" + key} {
		if _, _, err := VerifyPassword(phc, "x"); !errors.Is(err, ErrPasswordFormat) {
			t.Errorf("%q: %v", phc, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	for pw, want := range map[string]error{
		"hujan di bulan juni": nil, "correct horse": nil, "sebelas1kucing": nil, "日本語のことばです": nil,
		"short": ErrPasswordShort, "": ErrPasswordShort, "1234567": ErrPasswordShort,
		"password1": ErrPasswordWeak, "12345678": ErrPasswordWeak, "aaaaaaaaaa": ErrPasswordWeak, "Rahasia123": ErrPasswordWeak,
		"sari.sari": nil, "ibusari1": ErrPasswordWeak, "IbuSari2026": ErrPasswordWeak, "abcdefgh": ErrPasswordWeak,
		strings.Repeat("a b", 100): ErrPasswordLong, "abcdefgh\xff": ErrPasswordWeak,
	} {
		if err := CheckPassword(pw, "ibusari"); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", pw, err, want)
		}
	}
}

func TestGeneratedPasswordsAreAccepted(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		pw := GeneratePassword()
		if err := CheckPassword(pw, "budi"); err != nil || seen[pw] {
			t.Fatalf("%q: %v", pw, err)
		}
		seen[pw] = true
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"  Ibu   Sari ": "Ibu Sari", "Dewi\tLestari": "Dewi Lestari", "Ñandú": "Ñandú", "<b>": "<b>",
		"": "", "   ": "", "a\x00b": "", "evil\u202etxt": "", "zero\u200bwidth": "", "\xff": "",
		strings.Repeat("é", 64): strings.Repeat("é", 64), strings.Repeat("é", 65): "",
	} {
		got, err := CleanName(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
