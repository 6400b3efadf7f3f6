package pipeline_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestCertificateKey: the certificate that a browser meets in the handshake has
// the key that was asked for, and is the one that the description tells of.
func TestCertificateKey(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	var seen []string
	for _, kind := range []pipeline.CertificateKey{pipeline.CertificateRSA, pipeline.CertificateECDSA, "", pipeline.CertificateRSA} {
		for _, peer := range []string{"viewer", "presenter", "offered"} {
			e, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{Certificate: kind})
			if err != nil {
				t.Fatal(err)
			}
			pc := negotiated(t, e, peer)
			local, err := e.LocalSessionDescription()
			if err != nil {
				t.Fatal(err)
			}
			var der []byte
			eventually(t, "the handshake", func() bool {
				der = pc.SCTP().Transport().GetRemoteCertificate()
				return der != nil
			})
			checkKey(t, der, kind)
			mark := fingerprintOf(der)
			if !strings.Contains(local, "a=fingerprint:sha-256 "+mark) {
				t.Errorf("%s, %s: the certificate %s is not that of\n%s", kind, peer, mark, local)
			}
			if kind == pipeline.CertificateRSA {
				seen = append(seen, mark)
			}
		}
	}
	for _, mark := range seen {
		if mark != seen[0] {
			t.Error("the server has more than one RSA certificate")
		}
	}
	if _, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{Certificate: "DSA"}); !errors.Is(err, pipeline.ErrUnsupported) {
		t.Errorf("DSA: error %v", err)
	}
}

// negotiated connects a browser of that sort.
func negotiated(t *testing.T, e *pipeline.WebRtcEndpoint, peer string) *webrtc.PeerConnection {
	t.Helper()
	switch peer {
	case "viewer":
		v := pipelinetest.NewViewer(t, pipelinetest.Options{})
		v.Negotiate(e.ProcessOffer)
		v.WaitConnected()
		return v.PeerConnection()
	case "presenter":
		v := pipelinetest.NewPresenter(t, pipelinetest.Options{})
		v.Negotiate(e.ProcessOffer)
		v.WaitConnected()
		return v.PeerConnection()
	}
	offer, err := e.GenerateOffer(t.Context(), pipeline.OfferOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m := pipelinetest.NewMirror(t, pipelinetest.Options{})
	if _, err := e.ProcessAnswer(t.Context(), m.Answer(offer)); err != nil {
		t.Fatal(err)
	}
	m.WaitConnected()
	return m.PeerConnection()
}

func checkKey(t *testing.T, der []byte, kind pipeline.CertificateKey) {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if kind != pipeline.CertificateRSA || key.N.BitLen() != 2048 {
			t.Errorf("RSA with %d bits where %q was asked for", key.N.BitLen(), kind)
		}
	case *ecdsa.PublicKey:
		if kind == pipeline.CertificateRSA {
			t.Error("ECDSA where RSA was asked for")
		}
	default:
		t.Errorf("a key of %T", key)
	}
}

// fingerprintOf is written as in a=fingerprint (RFC 8122, section 5).
func fingerprintOf(der []byte) string {
	var parts []string
	for _, b := range sha256.Sum256(der) {
		parts = append(parts, fmt.Sprintf("%02X", b))
	}
	return strings.Join(parts, ":")
}

// TestRSAOfImpatient: who does not wait for the key is told so, and the
// endpoint can still be used.
func TestRSAOfImpatient(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	e, err := newPipeline(t, s).NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{Certificate: pipeline.CertificateRSA})
	if err != nil {
		t.Fatal(err)
	}
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	offer := v.Offer()
	if _, err := e.ProcessOffer(ctx, offer); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	answer, err := e.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	v.Apply(answer)
	v.WaitConnected()
}

func BenchmarkRSAIdentity(b *testing.B) {
	for b.Loop() {
		s, err := pipeline.NewServer(pipeline.Config{}, nil)
		if err != nil {
			b.Fatal(err)
		}
		p, err := s.NewMediaPipeline()
		if err != nil {
			b.Fatal(err)
		}
		e, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{Certificate: pipeline.CertificateRSA})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.GenerateOffer(b.Context(), pipeline.OfferOptions{}); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
