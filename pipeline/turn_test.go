package pipeline_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"
	"github.com/pion/webrtc/v4"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

var turnSecret = []byte("a secret of more than sixteen bytes")

func newTURNServer(t *testing.T, cfg pipeline.Config) *pipeline.Server {
	t.Helper()
	cfg.TURNAddr, cfg.TURNSecret = "127.0.0.1:0", turnSecret
	return newServer(t, cfg)
}

func iceServers(list []pipeline.ICEServer, transport string) []webrtc.ICEServer {
	var out []webrtc.ICEServer
	for _, s := range list {
		for _, u := range s.URLs {
			if strings.HasSuffix(u, "transport="+transport) {
				out = append(out, webrtc.ICEServer{URLs: []string{u}, Username: s.Username, Credential: s.Credential})
			}
		}
	}
	return out
}

func TestMediaThroughTURN(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			s := newTURNServer(t, pipeline.Config{})
			throughTURN(t, s, transport)
		})
	}
}

func TestTURNOnAllAddresses(t *testing.T) {
	t.Parallel()
	throughTURN(t, newTURNServer(t, pipeline.Config{MediaAddr: ":0"}), "udp")
}

// Behind a 1:1 NAT the browser knows the external address alone; the relay
// stands beside the media socket and must not depend on the NAT.
func TestTURNWithExternalIP(t *testing.T) {
	t.Parallel()
	s := newTURNServer(t, pipeline.Config{ExternalIPs: []string{"203.0.113.7"}, TURNExternalIP: "127.0.0.1"})
	p := newPipeline(t, s)
	v := view(t, p, pipelinetest.Options{ICEServers: iceServers(s.ICEServers("x"), "udp"), RelayOnly: true})
	v.WaitConnected()
	eventually(t, "the relay is counted", func() bool { return s.Stats().TURNAllocations == 1 })
}

func throughTURN(t *testing.T, s *pipeline.Server, transport string) {
	t.Helper()
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{ICEServers: iceServers(s.ICEServers("student-1"), transport), RelayOnly: true})
	connectAll(t, teacher.endpoint, v.endpoint)
	v.Slot(pipelinetest.Camera).WaitTotal(t, 20, patience)
	checkClean(t, v.Slot(pipelinetest.Camera), pipelinetest.Camera, teacher.SourceID(pipelinetest.Camera))
	pair, err := v.PeerConnection().SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair.Local.Typ != webrtc.ICECandidateTypeRelay {
		t.Errorf("pair %v, %v", pair, err)
	}
	if n := s.Stats().TURNAllocations; n != 1 {
		t.Errorf("%d allocations", n)
	}
	v.Close()
	eventually(t, "the allocation ends with the browser", func() bool { return s.Stats().TURNAllocations == 0 })
}

// turnClient speaks TURN by hand.
func turnClient(t *testing.T, s *pipeline.Server, user, password string) *turn.Client {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: s.TURNAddr().String(), TURNServerAddr: s.TURNAddr().String(), Conn: conn,
		Username: user, Password: password, Realm: "kelas", RTO: 100 * time.Millisecond,
		LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		_ = conn.Close()
	})
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	return c
}

func turnPassword(name string) string {
	mac := hmac.New(sha1.New, turnSecret)
	mac.Write([]byte(name))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestTURNCredentials(t *testing.T) {
	t.Parallel()
	s := newTURNServer(t, pipeline.Config{TURNTTL: time.Hour})
	good := s.ICEServers("student-1")[0]
	if good.Credential != turnPassword(good.Username) {
		t.Errorf("credentials %+v", good)
	}
	expired := fmt.Sprintf("%d:student-1", time.Now().Add(-time.Second).Unix())
	for name, c := range map[string]struct {
		user, password string
		ok             bool
	}{
		"good":           {good.Username, good.Credential, true},
		"wrong password": {good.Username, "x", false},
		"expired":        {expired, turnPassword(expired), false},
		"longer":         {"9" + good.Username, good.Credential, false},
		"no time":        {"student-1", turnPassword("student-1"), false},
		"no name":        {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			relay, err := turnClient(t, s, c.user, c.password).Allocate()
			if (err == nil) != c.ok {
				t.Fatalf("error %v", err)
			}
			if err == nil {
				_ = relay.Close()
			}
		})
	}
}

func TestTURNReachesOnlyTheMediaPort(t *testing.T) {
	t.Parallel()
	s := newTURNServer(t, pipeline.Config{})
	// Something private on the same machine as the server.
	private, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer private.Close()
	cred := s.ICEServers("student-1")[0]
	relay, err := turnClient(t, s, cred.Username, cred.Credential).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	// Addresses of others are refused by word of the protocol.
	for _, peer := range []string{"192.0.2.99:80", "10.1.2.3:22", "127.0.0.2:8080", "169.254.169.254:80"} {
		a, err := net.ResolveUDPAddr("udp4", peer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := relay.WriteTo([]byte("hello"), a); err == nil {
			t.Errorf("%s: not refused", peer)
		}
	}
	// The own address is permitted, but no port of it save that for media.
	if _, err := relay.WriteTo([]byte("hello"), private.LocalAddr()); err != nil {
		t.Fatalf("permission for the media address: %v", err)
	}
	buf := make([]byte, 100)
	if err := private.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, from, err := private.ReadFrom(buf); err == nil {
		t.Errorf("the private port got %q from %v", buf[:n], from)
	}
	// Nor does what the private port sends come in.
	if _, err := private.WriteTo([]byte("inward"), relay.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if err := relay.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, from, err := relay.ReadFrom(buf); err == nil {
		t.Errorf("the relay let in %q from %v", buf[:n], from)
	}
}

func TestTURNPeers(t *testing.T) {
	t.Parallel()
	s := newTURNServer(t, pipeline.Config{TURNPeers: []string{"127.0.0.0/8"}})
	further, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer further.Close()
	cred := s.ICEServers("student-1")[0]
	relay, err := turnClient(t, s, cred.Username, cred.Credential).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	if _, err := relay.WriteTo([]byte("hello"), further.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if err := further.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if n, _, err := further.ReadFrom(buf); err != nil || string(buf[:n]) != "hello" {
		t.Errorf("%q, %v", buf[:n], err)
	}
}

func TestTURNQuota(t *testing.T) {
	t.Parallel()
	s := newTURNServer(t, pipeline.Config{TURNQuota: 2, TURNMaxAllocations: 3})
	allocate := func(user string) error {
		cred := s.ICEServers(user)[0]
		relay, err := turnClient(t, s, cred.Username, cred.Credential).Allocate()
		if err == nil {
			t.Cleanup(func() { _ = relay.Close() })
		}
		return err
	}
	for i, c := range []struct {
		user string
		ok   bool
	}{{"a", true}, {"a", true}, {"a", false}, {"b", true}, {"b", false}} {
		if err := allocate(c.user); (err == nil) != c.ok {
			t.Errorf("allocation %d of %s: error %v", i+1, c.user, err)
		}
	}
}
