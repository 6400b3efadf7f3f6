package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// tlsSetup is how the main listener speaks TLS; challenges is the handler of
// the plain port in ACME mode.
type tlsSetup struct {
	config     *tls.Config
	challenges http.Handler
}

// newTLS returns nil for "off".
func newTLS(f *serveFlags, dataDir string, now func() time.Time) (*tlsSetup, error) {
	base := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	switch f.TLS {
	case "off":
		return nil, nil
	case "files":
		files := &fileCertificate{cert: f.TLSCert, key: f.TLSKey}
		if _, err := files.get(nil); err != nil {
			return nil, err
		}
		base.GetCertificate = files.get
		return &tlsSetup{config: base}, nil
	case "self-signed":
		cert, err := selfSigned(filepath.Join(dataDir, "tls"), f.TLSDomain, now())
		if err != nil {
			return nil, fmt.Errorf("making the self-signed certificate: %w", err)
		}
		base.Certificates = []tls.Certificate{cert}
		return &tlsSetup{config: base}, nil
	case "acme":
		m := &autocert.Manager{
			Prompt:     autocert.AcceptTOS,
			HostPolicy: autocert.HostWhitelist(f.TLSDomain...),
			Cache:      autocert.DirCache(filepath.Join(dataDir, "acme")),
			Email:      f.ACMEEmail,
			Client:     &acme.Client{DirectoryURL: f.ACMEURL},
		}
		base.GetCertificate = m.GetCertificate
		base.NextProtos = append(base.NextProtos, acme.ALPNProto) // RFC 8737
		return &tlsSetup{config: base, challenges: m.HTTPHandler(nil)}, nil
	}
	return nil, fmt.Errorf("--tls: %q is not off, self-signed, files or acme", f.TLS)
}

// fileCertificate reads a certificate again when its file changed, so that a
// renewal needs no restart.
type fileCertificate struct {
	cert, key string

	mu     sync.Mutex
	loaded *tls.Certificate
	mtime  time.Time
}

func (c *fileCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if err == nil && c.loaded != nil && info.ModTime().Equal(c.mtime) {
		return c.loaded, nil
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.cert, c.key)
	}
	if err != nil {
		if c.loaded != nil { // half a renewal: the old one serves on
			return c.loaded, nil
		}
		return nil, fmt.Errorf("reading --tls-cert and --tls-key: %w", err)
	}
	c.loaded, c.mtime = &pair, info.ModTime()
	return c.loaded, nil
}

// selfSigned returns the certificate kept in dir, making one when there is
// none, when it runs out within a month, or when a name is missing in it. It
// is kept so that people accept it in the browser once and not at each start.
func selfSigned(dir string, names []string, now time.Time) (tls.Certificate, error) {
	certFile, keyFile := filepath.Join(dir, "self-signed.crt"), filepath.Join(dir, "self-signed.key")
	names = append([]string{"localhost", "127.0.0.1", "::1"}, names...)
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("listing the machine's addresses: %w", err)
	}
	for _, a := range addrs {
		if ipnet, ok := a.(*net.IPNet); ok && ipnet.IP.IsGlobalUnicast() {
			names = append(names, ipnet.IP.String())
		}
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err == nil && covers(pair.Leaf, names, now) {
		return pair, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, err
	}
	return makeCertificate(dir, certFile, keyFile, names, now)
}

func covers(leaf *x509.Certificate, names []string, now time.Time) bool {
	if leaf == nil || now.AddDate(0, 1, 0).After(leaf.NotAfter) {
		return false
	}
	for _, n := range names {
		if leaf.VerifyHostname(n) != nil {
			return false
		}
	}
	return true
}

func makeCertificate(dir, certFile, keyFile string, names []string, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Kelas (self-signed)"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(0, 0, 825), // what Apple's browsers accept at most
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return tls.Certificate{}, err
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return tls.Certificate{}, err
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return tls.Certificate{}, err
	}
	return tls.LoadX509KeyPair(certFile, keyFile)
}
