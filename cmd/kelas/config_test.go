package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runCommand runs the command line and returns what it printed.
func runCommand(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	var out, errOut bytes.Buffer
	err := execute(context.Background(), args, streams{in: strings.NewReader(in), out: &out, err: &errOut})
	return out.String(), err
}

func TestConfigOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kelas.yaml")
	write(t, file, "http: 127.0.0.1:1111\nmedia-addr: ':2222'\nmax-file-size: 20MB\nexternal-ip: [192.0.2.1, 192.0.2.2]\nresume-window: 45s\n")
	t.Setenv("KELAS_MEDIA_ADDR", ":3333")
	t.Setenv("KELAS_MAX_FILE_SIZE", "30MB")
	out, err := runCommand(t, "", "config", "--config", file, "--max-file-size", "40MB")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"http: 127.0.0.1:1111", // from the file
		"media-addr: :3333",    // the environment goes before the file
		"max-file-size: 40MB",  // a flag goes before both
		"class-quota: 5GB",     // a default
		"resume-window: 45s",   // a duration from the file
		"- 192.0.2.1\n",        // a list from the file
		"- 192.0.2.2\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}

func TestConfigHidesSecrets(t *testing.T) {
	out, err := runCommand(t, "", "config", "--mongodb-uri", "mongodb://kelas:opensesame@db.example/kelas?tlsCertificateKeyFilePassword=opensesame&replicaSet=rs0", "--metrics-token", "opensesame opensesame")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "opensesame") || !strings.Contains(out, "db.example") || !strings.Contains(out, "rs0") {
		t.Errorf("secrets shown or too much hidden:\n%s", out)
	}
}

// What config prints can be read back as a file.
func TestConfigRoundTrip(t *testing.T) {
	first, err := runCommand(t, "", "config", "--http", ":9", "--turn-addr", ":3478", "--max-file-size", "1500KB")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kelas.yaml")
	write(t, file, first)
	second, err := runCommand(t, "", "config", "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Errorf("read back differently:\n%s\n%s", first, second)
	}
}

func TestConfigRefuses(t *testing.T) {
	unknown := filepath.Join(t.TempDir(), "kelas.yaml")
	write(t, unknown, "htpp: :8080\n")
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"address":       {[]string{"--http", "nonsense"}, "--http"},
		"media address": {[]string{"--media-addr", "8189"}, "--media-addr"},
		"external ip":   {[]string{"--external-ip", "here"}, "--external-ip"},
		"tls mode":      {[]string{"--tls", "yes"}, "--tls"},
		"tls files":     {[]string{"--tls", "files"}, "--tls-cert"},
		"acme name":     {[]string{"--tls", "acme"}, "--tls-domain"},
		"size":          {[]string{"--max-file-size", "plenty"}, "plenty"},
		"no size":       {[]string{"--max-file-size", "0"}, "not a size"},
		"token":         {[]string{"--metrics-token", "short"}, "--metrics-token"},
		"limit":         {[]string{"--max-participants", "0"}, "--max-participants"},
		"window":        {[]string{"--resume-window", "1ms"}, "--resume-window"},
		"rtp ports":     {[]string{"--rtp-ports", "20000"}, "--rtp-ports"},
		"kurento open":  {[]string{"--kurento-addr", "0.0.0.0:8888"}, "--kurento-token"},
		"kurento any":   {[]string{"--kurento-addr", ":8888"}, "--kurento-token"},
		"kurento tls":   {[]string{"--kurento-tls-addr", "127.0.0.1:8433"}, "needs --tls"},
		"kurento wss":   {[]string{"--tls", "self-signed", "--kurento-tls-addr", ":8433"}, "--kurento-tls-addr elsewhere"},
		"kurento token": {[]string{"--kurento-token", "short"}, "--kurento-token"},
		"kurento size":  {[]string{"--kurento-max-message", "1KB"}, "--kurento-max-message"},
		"kurento stun":  {[]string{"--kurento-stun", "stun.example.org:3478"}, "--kurento-stun"},
		"kurento turn":  {[]string{"--kurento-turn", "turn.example.org"}, "--kurento-turn"},
		"kurento limit": {[]string{"--kurento-max-objects", "0"}, "--kurento-max-objects"},
		"proxy":         {[]string{"--trusted-proxy", "the proxy"}, "--trusted-proxy"},
		"webhook":       {[]string{"--webhook-allow", "inside"}, "--webhook-allow"},
		"bbb secret":    {[]string{"--bbb-secret", "short"}, "--bbb-secret"},
		"bbb checksum":  {[]string{"--bbb-secret", "0123456789abcdef", "--bbb-checksum", "md5"}, "--bbb-checksum"},
		"bbb alone":     {[]string{"--bbb-checksum", "sha256"}, "--bbb-secret"},
		"origin":        {[]string{"--allowed-origin", "example.org"}, "--allowed-origin"},
		"unknown key":   {[]string{"--config", unknown}, "htpp"},
		"no such file":  {[]string{"--config", unknown + "x"}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := runCommand(t, "", append([]string{"config"}, tc.args...)...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error that names %q", err, tc.want)
			}
		})
	}
}

func TestSelfSignedIsKept(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	first, err := selfSigned(dir, []string{"kelas.local"}, now)
	if err != nil {
		t.Fatal(err)
	}
	again, err := selfSigned(dir, []string{"kelas.local"}, now.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if first.Leaf.SerialNumber.Cmp(again.Leaf.SerialNumber) != 0 {
		t.Error("a certificate that is still good was made again")
	}
	for _, name := range []string{"kelas.local", "localhost", "127.0.0.1"} {
		if err := first.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	for what, make := range map[string]func() (tls.Certificate, error){
		"near its end": func() (tls.Certificate, error) {
			return selfSigned(dir, []string{"kelas.local"}, now.AddDate(0, 0, 810))
		},
		"for a new name": func() (tls.Certificate, error) { return selfSigned(dir, []string{"another.local"}, now) },
	} {
		next, err := make()
		if err != nil {
			t.Fatal(err)
		}
		if next.Leaf.SerialNumber.Cmp(again.Leaf.SerialNumber) == 0 {
			t.Errorf("the old certificate was kept %s", what)
		}
		again = next
	}
	info, err := os.Stat(filepath.Join(dir, "self-signed.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v %v", info.Mode(), err)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A token for a mistyped folder is an error and leaves no database behind.
func TestTokenNeedsDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nothing")
	_, err := runCommand(t, "", "token", "--class", "x", "--role", "viewer", "--data-dir", dir)
	if err == nil || !strings.Contains(err.Error(), "no database") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made")
	}
}
