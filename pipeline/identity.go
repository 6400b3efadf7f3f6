package pipeline

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/webrtc/v4"
)

// identity is the server's certificate for DTLS, one for all connections: a key
// pair for each would cost every join, and the fingerprint in the answer proves
// as much (RFC 8827, section 6.5, wants pages kept apart, not servers).
type identity struct {
	tls         tls.Certificate
	webrtc      webrtc.Certificate
	fingerprint string // as in a=fingerprint
}

// identityLife is longer than any server runs. Browsers do not look at it.
const identityLife = 10 * 365 * 24 * time.Hour

func newIdentity() (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key for DTLS: %w", err)
	}
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
