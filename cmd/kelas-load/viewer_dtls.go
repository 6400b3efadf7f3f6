package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/packetio"
)

// identity is the certificate that all viewers share; a key pair for each
// would measure the generator.
type identity struct {
	certificate tls.Certificate
	fingerprint string
	// profiles in the order of preference. libwebrtc puts AES-CM first, and
	// where it is the DTLS server (which it is when the other side answers
	// "active") its order decides.
	profiles []dtls.SRTPProtectionProfile
}

func newIdentity(preferGCM bool) (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "WebRTC"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(30 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	id := &identity{certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, fingerprint: fingerprintOf(der)}
	gcm := []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM}
	cm := dtls.SRTP_AES128_CM_HMAC_SHA1_80
	if preferGCM {
		id.profiles = append(gcm, cm)
	} else {
		id.profiles = append([]dtls.SRTPProtectionProfile{cm}, gcm...)
	}
	return id, nil
}

func fingerprintOf(der []byte) string {
	sum := sha256.Sum256(der)
	var b strings.Builder
	for i, x := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%02X", x)
	}
	return b.String()
}

var errFingerprint = errors.New("the server's certificate is not the one of its answer")

// dtlsPipe is the DTLS packets of a viewer's socket as a net.PacketConn.
type dtlsPipe struct {
	path *path
	in   *packetio.Buffer
}

func (d *dtlsPipe) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := d.in.Read(b)
	return n, dtlsPeer{}, err
}
func (d *dtlsPipe) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), d.path.send(b) }
func (d *dtlsPipe) Close() error                              { return d.in.Close() }
func (d *dtlsPipe) LocalAddr() net.Addr                       { return d.path.sock.LocalAddr() }
func (d *dtlsPipe) SetDeadline(t time.Time) error             { return d.in.SetReadDeadline(t) }
func (d *dtlsPipe) SetReadDeadline(t time.Time) error         { return d.in.SetReadDeadline(t) }
func (d *dtlsPipe) SetWriteDeadline(time.Time) error          { return nil }

// dtlsPeer is the other end of the pipe, whatever address ICE chose.
type dtlsPeer struct{}

func (dtlsPeer) Network() string { return "udp" }
func (dtlsPeer) String() string  { return "peer" }

// secured is an established transport.
type secured struct {
	dtls    *dtls.Conn
	in, out *srtp.Context
	profile srtp.ProtectionProfile
}

// secure shakes hands over the pipe and derives the keys (RFC 5764).
func (id *identity) secure(ctx context.Context, pipe *dtlsPipe, remote answer) (*secured, error) {
	shared := []dtls.Option{
		dtls.WithCertificates(id.certificate), dtls.WithSRTPProtectionProfiles(id.profiles...),
		dtls.WithInsecureSkipVerify(true), dtls.WithLoggerFactory(silent()), dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		// RFC 8122, section 5: the fingerprint in the SDP is the proof.
		dtls.WithVerifyPeerCertificate(func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) == 0 || fingerprintOf(raw[0]) != remote.fingerprint {
				return errFingerprint
			}
			return nil
		}),
	}
	var conn *dtls.Conn
	var err error
	if remote.passive {
		var o []dtls.ClientOption
		for _, s := range shared {
			o = append(o, s)
		}
		conn, err = dtls.ClientWithOptions(pipe, dtlsPeer{}, o...)
	} else {
		o := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert), dtls.WithInsecureSkipVerifyHello(true)}
		for _, s := range shared {
			o = append(o, s)
		}
		conn, err = dtls.ServerWithOptions(pipe, dtlsPeer{}, o...)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing DTLS: %w", err)
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("shaking hands: %w", err)
	}
	s, err := derive(conn, remote.passive)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("deriving the keys: %w", err)
	}
	return s, nil
}

func derive(conn *dtls.Conn, client bool) (*secured, error) {
	chosen, ok := conn.SelectedSRTPProtectionProfile()
	state, known := conn.ConnectionState()
	if !ok || !known {
		return nil, errors.New("no SRTP profile was agreed on")
	}
	// The numbers are the same registry's (RFC 5764, section 4.1.2).
	cfg := srtp.Config{Profile: srtp.ProtectionProfile(chosen)}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, client); err != nil {
		return nil, err
	}
	in, err := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, cfg.Profile)
	if err != nil {
		return nil, err
	}
	out, err := srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, cfg.Profile)
	if err != nil {
		return nil, err
	}
	return &secured{dtls: conn, in: in, out: out, profile: cfg.Profile}, nil
}
