package pipeline

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/webrtc/v4"
)

// CertificateKey is the sort of key that a connection's DTLS certificate has.
type CertificateKey string

const (
	// CertificateECDSA is P-256, which every browser has to take (RFC 8827,
	// section 6.5) and which costs a handshake a fraction of RSA.
	CertificateECDSA CertificateKey = "ECDSA"
	// CertificateRSA is RSA with 2048 bits.
	CertificateRSA CertificateKey = "RSA"
)

const rsaBits = 2048

// identity is a certificate of the server's for DTLS, one for all connections: a
// key pair for each would cost every join, and the fingerprint in the answer
// proves as much (RFC 8827, section 6.5, wants pages kept apart, not servers).
type identity struct {
	tls         tls.Certificate
	webrtc      webrtc.Certificate
	fingerprint string // as in a=fingerprint
}

// identityLife is longer than any server runs. Browsers do not look at it.
const identityLife = 10 * 365 * 24 * time.Hour

// identities are the server's certificates. The one of ECDSA is there from the
// start, that of RSA is made in the background once somebody wants it: looking
// for its primes takes a tenth of a second, or several.
type identities struct {
	ecdsa *identity

	making sync.WaitGroup
	made   chan struct{}
	rsa    *identity // these two are there when made is closed
	failed error

	mu    sync.Mutex
	begun bool // made is closed some day
}

func newIdentities() (*identities, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key for DTLS: %w", err)
	}
	own, err := newIdentity(key)
	if err != nil {
		return nil, err
	}
	return &identities{ecdsa: own, made: make(chan struct{})}, nil
}

// prepare begins with what connections of that sort will need.
func (s *identities) prepare(kind CertificateKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == CertificateRSA && !s.begun {
		s.begun = true
		s.making.Go(s.makeRSA)
	}
}

func (s *identities) makeRSA() {
	defer close(s.made)
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		s.failed = fmt.Errorf("making the key for DTLS: %w", err)
		return
	}
	s.rsa, s.failed = newIdentity(key)
}

// of waits for the certificate of that sort.
func (s *identities) of(ctx context.Context, kind CertificateKey) (*identity, error) {
	if kind != CertificateRSA {
		return s.ecdsa, nil
	}
	s.prepare(kind)
	select {
	case <-s.made:
		return s.rsa, s.failed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// close waits for a key that is being made; none is made afterwards.
func (s *identities) close() {
	s.mu.Lock()
	if !s.begun {
		s.begun, s.failed = true, ErrClosed
		close(s.made)
	}
	s.mu.Unlock()
	s.making.Wait()
}

func newIdentity(key crypto.Signer) (*identity, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("making the certificate for DTLS: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "WebRTC"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(identityLife),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the certificate for DTLS: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making the certificate for DTLS: %w", err)
	}
	digest, err := fingerprint.Fingerprint(cert, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("making the certificate for DTLS: %w", err)
	}
	return &identity{
		tls:         tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: cert},
		webrtc:      webrtc.CertificateFromX509(key, cert),
		fingerprint: "sha-256 " + strings.ToUpper(digest), // RFC 8122, section 5; Firefox insists,
	}, nil
}
