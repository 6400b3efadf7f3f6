package viewer

import (
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/packetio"
)

// pipe is the DTLS packets of the connection as a net.PacketConn.
type pipe struct {
	conn *Conn
	in   *packetio.Buffer
}

// maxFlights is how many DTLS packets may wait; a flight has a handful, and
// what is lost is sent again.
const maxFlights = 32

func newPipe(c *Conn) *pipe {
	p := &pipe{conn: c, in: packetio.NewBuffer()}
	p.in.SetLimitCount(maxFlights)
	return p
}

func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := p.in.Read(b)
	return n, browser{}, err
}

func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) { return p.conn.link.Write(b) }

// Close is DTLS's when the browser has said good-bye, and ours.
func (p *pipe) Close() error {
	err := p.in.Close()
	p.conn.pipeClosed()
	return err
}

func (p *pipe) LocalAddr() net.Addr               { return browser{} }
func (p *pipe) SetDeadline(t time.Time) error     { return p.in.SetReadDeadline(t) }
func (p *pipe) SetReadDeadline(t time.Time) error { return p.in.SetReadDeadline(t) }
func (p *pipe) SetWriteDeadline(time.Time) error  { return nil }

// browser is the other end of the pipe, whatever pair ICE has chosen.
type browser struct{}

func (browser) Network() string { return "udp" }
func (browser) String() string  { return "browser" }

// handshakeTime bounds a handshake; browsers give up earlier.
const handshakeTime = 30 * time.Second

// openDTLSLocked prepares the handshake; false: it cannot be.
func (c *Conn) openDTLSLocked() bool {
	d, err := dtls.ServerWithOptions(c.pipe, browser{},
		dtls.WithCertificates(*c.options.Certificate),
		dtls.WithSRTPProtectionProfiles(c.net.Profiles...),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithInsecureSkipVerify(true), // the fingerprint is the proof
		dtls.WithVerifyPeerCertificate(c.verify),
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		// A cookie would prove that the browser is where it says it is, which
		// the ICE check before has proved; it would cost each join a round trip.
		dtls.WithInsecureSkipVerifyHello(true),
		dtls.WithLoggerFactory(c.net.Logs),
	)
	if err != nil {
		c.broken = true
		return false
	}
	c.dtls = d
	return true
}

// verify holds the certificate against the offer (RFC 8122, section 5).
func (c *Conn) verify(raw [][]byte, _ [][]*x509.Certificate) error {
	if len(raw) == 0 {
		return errFingerprint
	}
	cert, err := x509.ParseCertificate(raw[0])
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	name, want, _ := strings.Cut(c.Remote().Fingerprint, " ")
	hash, err := fingerprint.HashFromString(name)
	if err != nil {
		return fmt.Errorf("%w: %w", errFingerprint, err)
	}
	got, err := fingerprint.Fingerprint(cert, hash)
	if err != nil || !strings.EqualFold(got, strings.TrimSpace(want)) {
		return errFingerprint
	}
	return nil
}

// KnownFingerprint tells whether a fingerprint's hash can be checked here.
func KnownFingerprint(f string) bool {
	name, _, _ := strings.Cut(f, " ")
	_, err := fingerprint.HashFromString(name)
	return err == nil
}

// shakeHands ends with the keys in place, or with the connection broken.
func (c *Conn) shakeHands() {
	c.handler.DTLS(StateConnecting)
	c.mu.Lock()
	d := c.dtls
	c.mu.Unlock()
	late := time.AfterFunc(handshakeTime, func() { _ = d.Close() })
	defer late.Stop()
	err := d.HandshakeContext(c.ctx)
	if err == nil {
		err = c.takeKeys(d)
	}
	c.mu.Lock()
	c.secured, c.broken = err == nil, err != nil
	c.mu.Unlock()
	if err != nil {
		c.net.Logs.NewLogger("viewer").Debugf("DTLS: %v", err)
		c.handler.DTLS(StateFailed)
	} else {
		c.handler.DTLS(StateConnected)
	}
	c.tell(false)
}

// takeKeys derives them (RFC 5764, section 4.2).
func (c *Conn) takeKeys(d *dtls.Conn) error {
	chosen, ok := d.SelectedSRTPProtectionProfile()
	state, known := d.ConnectionState()
	if !ok || !known {
		return errNoProfile
	}
	// The numbers are the same registry's (RFC 5764, section 4.1.2).
	cfg := srtp.Config{Profile: srtp.ProtectionProfile(chosen)}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, false); err != nil {
		return fmt.Errorf("deriving the keys: %w", err)
	}
	out, err := srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, cfg.Profile)
	if err != nil {
		return fmt.Errorf("preparing what is sent: %w", err)
	}
	in, err := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, cfg.Profile, srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return fmt.Errorf("preparing what is received: %w", err)
	}
	c.receiver.ready(in)
	c.sender.ready(out)
	c.mu.Lock()
	c.profile = ProfileName(chosen)
	c.mu.Unlock()
	return nil
}

const replayWindow = 64

// ProfileName uses IANA's names, as browsers' getStats does.
func ProfileName(p dtls.SRTPProtectionProfile) string {
	switch p {
	case dtls.SRTP_AEAD_AES_128_GCM:
		return "AEAD_AES_128_GCM"
	case dtls.SRTP_AEAD_AES_256_GCM:
		return "AEAD_AES_256_GCM"
	case dtls.SRTP_AES128_CM_HMAC_SHA1_80:
		return "AES_CM_128_HMAC_SHA1_80"
	case dtls.SRTP_AES128_CM_HMAC_SHA1_32:
		return "AES_CM_128_HMAC_SHA1_32"
	}
	return "unknown"
}

// pipeClosed: DTLS has closed its end by itself when the browser said good-bye.
func (c *Conn) pipeClosed() {
	c.mu.Lock()
	if !c.secured || c.ended || c.ctx.Err() != nil {
		c.mu.Unlock()
		return
	}
	c.ended = true
	c.mu.Unlock()
	c.handler.DTLS(StateClosed)
	c.tell(false)
}
