package pipeline_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func newRTP(t *testing.T, p *pipeline.MediaPipeline, o pipeline.RtpEndpointOptions) *pipeline.RtpEndpoint {
	t.Helper()
	e, err := p.NewRtpEndpoint(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// phone is the other side of an RtpEndpoint: a socket for RTP, the next for RTCP.
type phone struct {
	t            *testing.T
	rtp, control *net.UDPConn
	open         func([]byte) []byte // decrypts
	wg           sync.WaitGroup

	mu       sync.Mutex
	packets  []rtp.Packet
	reports  []rtcp.Packet
	from     netip.AddrPort
	unusable int
}

func newPhone(t *testing.T) *phone {
	t.Helper()
	x := &phone{t: t, open: func(b []byte) []byte { return b }}
	for x.control == nil {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		next := c.LocalAddr().(*net.UDPAddr).Port + 1
		if x.control, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: next}); err != nil {
			_ = c.Close()
			continue
		}
		x.rtp = c
	}
	t.Cleanup(x.close)
	return x
}

func (x *phone) close() {
	_ = x.rtp.Close()
	_ = x.control.Close()
	x.wg.Wait()
}

// listen takes what comes from now on.
func (x *phone) listen() {
	x.wg.Go(func() {
		buf := make([]byte, 2000)
		for {
			n, from, err := x.rtp.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			var p rtp.Packet
			plain := x.open(buf[:n])
			x.mu.Lock()
			x.from = from
			if plain == nil || p.Unmarshal(append([]byte(nil), plain...)) != nil {
				x.unusable++
			} else {
				x.packets = append(x.packets, p)
			}
			x.mu.Unlock()
		}
	})
	x.wg.Go(func() {
		buf := make([]byte, 2000)
		for {
			n, _, err := x.control.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			list, err := rtcp.Unmarshal(buf[:n])
			if err != nil {
				continue // encrypted
			}
			x.mu.Lock()
			x.reports = append(x.reports, list...)
			x.mu.Unlock()
		}
	})
}

func (x *phone) got() []rtp.Packet {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]rtp.Packet(nil), x.packets...)
}

func (x *phone) port() int { return x.rtp.LocalAddr().(*net.UDPAddr).Port }

// offer is a description with one m-line; more are its further attributes.
func (x *phone) offer(media, protos, formats string, more ...string) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=%s %d %s %s\r\n", media, x.port(), protos, formats) +
		strings.Join(append(more, ""), "\r\n")
}

var mLine = regexp.MustCompile(`(?m)^m=\w+ (\d+) `)

// target is where the n-th m-line of an answer takes RTP.
func target(t *testing.T, sdp string, n int) netip.AddrPort {
	t.Helper()
	all := mLine.FindAllStringSubmatch(sdp, -1)
	if len(all) <= n {
		t.Fatalf("no m-line %d in\n%s", n, sdp)
	}
	port, _ := strconv.Atoi(all[n][1])
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
}

func TestRTPBothWays(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	e := newRTP(t, p, pipeline.RtpEndpointOptions{})
	if err := e.SetBandwidth(pipeline.Bandwidth{MaxVideoRecv: 500}); err != nil {
		t.Fatal(err)
	}
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Camera)
	connect(t, teacher.endpoint, e)
	x := newPhone(t)
	x.listen()
	got := events(t, e)
	offer := x.offer("video", "RTP/AVPF", "97", "a=rtpmap:97 VP8/90000", "a=rtcp-fb:97 nack pli", "a=sendrecv")
	answer, err := e.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" RTP/AVPF 97\r\n", "b=AS:500\r\n", "a=rtpmap:97 VP8/90000\r\n", "a=rtcp-fb:97 nack pli\r\n", "a=sendrecv\r\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer has no %q:\n%s", want, answer)
		}
	}
	waitEvent[pipeline.MediaSessionStarted](t, got, nil)
	eventually(t, "the camera comes", func() bool { return len(x.got()) > 30 })
	list := x.got()
	for i, p := range list {
		if p.PayloadType != 97 || p.SSRC != list[0].SSRC || i > 0 && p.SequenceNumber != list[i-1].SequenceNumber+1 {
			t.Fatalf("packet %d: %+v after %+v", i, p.Header, list[max(i-1, 0)].Header)
		}
	}
	waitEvent(t, got, func(e pipeline.MediaFlowInStateChanged) bool { return e.Flowing })
	waitEvent(t, got, func(e pipeline.MediaStateChanged) bool { return e.New == pipeline.MediaConnected })
	eventually(t, "sender reports come", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, r := range x.reports {
			if sr, ok := r.(*rtcp.SenderReport); ok && sr.SSRC == list[0].SSRC {
				return true
			}
		}
		return false
	})
	// The other way, to a second endpoint.
	y := newPhone(t)
	y.listen()
	viewer := newRTP(t, p, pipeline.RtpEndpointOptions{})
	connect(t, e, viewer)
	if _, err := viewer.ProcessOffer(t.Context(), y.offer("video", "RTP/AVP", "33", "a=rtpmap:33 VP8/90000", "a=recvonly")); err != nil {
		t.Fatal(err)
	}
	to := target(t, answer, 0)
	for i := range 20 {
		x.send(to, 97, uint16(100+i), 0x1234, []byte{0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 1, 0, 1, 0, byte(i)})
	}
	eventually(t, "it comes out", func() bool { return len(y.got()) >= 10 })
	if q := y.got()[0]; q.PayloadType != 33 || q.SSRC == 0x1234 {
		t.Errorf("%+v", q.Header)
	}
	if list := e.Sources(); len(list) != 1 || list[0].Codec != "video/VP8" {
		t.Errorf("sources %+v", list)
	}
	eventually(t, "receiver reports come", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, r := range x.reports {
			for _, ssrc := range r.DestinationSSRC() {
				if ssrc == 0x1234 {
					return true
				}
			}
		}
		return false
	})
	st := e.Stats()
	if len(st.Received) != 1 || len(st.Sent) != 1 || st.Received[0].Packets != 20 || st.RemoteAddress != x.rtp.LocalAddr().String() {
		t.Errorf("%+v", st)
	}
	if _, err := e.ProcessOffer(t.Context(), offer); !errors.Is(err, pipeline.ErrAlreadyNegotiated) {
		t.Errorf("a second offer: %v", err)
	}
	if local, err := e.LocalSessionDescription(); err != nil || local != answer {
		t.Errorf("local description: %v", err)
	}
	e.Release()
	if _, err := e.ProcessOffer(t.Context(), offer); !errors.Is(err, pipeline.ErrReleased) {
		t.Errorf("after the release: %v", err)
	}
}

func (x *phone) send(to netip.AddrPort, pt uint8, seq uint16, ssrc uint32, payload []byte) {
	x.t.Helper()
	p := rtp.Packet{Header: rtp.Header{Version: 2, Marker: true, PayloadType: pt, SequenceNumber: seq, Timestamp: uint32(seq) * 3000, SSRC: ssrc}, Payload: payload}
	raw, err := p.Marshal()
	if err != nil {
		x.t.Fatal(err)
	}
	if _, err := x.rtp.WriteToUDPAddrPort(raw, to); err != nil {
		x.t.Fatal(err)
	}
}

func TestRTPMulticast(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{RTPMulticast: true})
	p := newPipeline(t, s)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip("no loopback interface named lo")
	}
	group := &net.UDPAddr{IP: net.IPv4(239, 255, 77, 3)}
	hall := make([]*phone, 2)
	for i := range hall {
		c, err := net.ListenMulticastUDP("udp4", lo, group)
		if err != nil {
			t.Skipf("the machine has no multicast on lo: %v", err)
		}
		group.Port = c.LocalAddr().(*net.UDPAddr).Port // the second joins the first
		hall[i] = &phone{t: t, rtp: c, control: newPhone(t).control, open: func(b []byte) []byte { return b }}
		t.Cleanup(hall[i].close)
		hall[i].listen()
	}
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Camera)
	e := newRTP(t, p, pipeline.RtpEndpointOptions{})
	connect(t, teacher.endpoint, e)
	offer := strings.Replace(hall[0].offer("video", "RTP/AVP", "96", "a=rtpmap:96 VP8/90000", "a=recvonly"),
		"c=IN IP4 127.0.0.1", "c=IN IP4 239.255.77.3/2", 1)
	answer, err := e.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer, "c=IN IP4 239.255.77.3/2\r\n") || !strings.Contains(answer, "a=sendonly") || target(t, answer, 0).Port() != uint16(group.Port) {
		t.Errorf("the answer:\n%s", answer)
	}
	for i, x := range hall {
		eventually(t, fmt.Sprint("player ", i, " gets the class"), func() bool { return len(x.got()) > 20 })
	}
	if st := e.Stats(); int(st.Sent[0].Packets) > len(hall[0].got())+50 {
		t.Errorf("%d packets were sent for %d that came", st.Sent[0].Packets, len(hall[0].got()))
	}
}

func TestRTPGenerateOffer(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{RTPPortMin: 41000, RTPPortMax: 41999})
	p := newPipeline(t, s)
	// Both ends are ours, with keys.
	a := newRTP(t, p, pipeline.RtpEndpointOptions{Crypto: &pipeline.SDES{}})
	b := newRTP(t, p, pipeline.RtpEndpointOptions{})
	teacher, v := present(t, p, pipelinetest.Options{}), view(t, p, pipelinetest.Options{})
	connect(t, teacher.endpoint, a)
	connect(t, b, v.endpoint)
	if _, err := a.ProcessAnswer(t.Context(), ""); !errors.Is(err, pipeline.ErrOfferNotGenerated) {
		t.Errorf("error %v", err)
	}
	offer, err := a.GenerateOffer(t.Context(), pipeline.OfferOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if port := target(t, offer, 1).Port(); port < 41000 || port > 41999 || port%2 != 0 || strings.Count(offer, "RTP/SAVPF") != 2 {
		t.Errorf("the offer:\n%s", offer)
	}
	if _, err := a.ProcessOffer(t.Context(), offer); !errors.Is(err, pipeline.ErrAlreadyNegotiated) {
		t.Errorf("error %v", err)
	}
	answer, err := b.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"no keys": strings.ReplaceAll(answer, "SAVPF", "AVPF"), "half": answer[:strings.Index(answer, "m=video")], "empty": "",
	} {
		if _, err := a.ProcessAnswer(t.Context(), bad); !errors.Is(err, pipeline.ErrBadSDP) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := a.ProcessAnswer(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	if _, err := a.ProcessAnswer(t.Context(), answer); !errors.Is(err, pipeline.ErrAnswerAlreadyProcessed) {
		t.Errorf("error %v", err)
	}
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	for _, place := range []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera} {
		v.Slot(place).WaitTotal(t, 30, patience)
		checkClean(t, v.Slot(place), place, teacher.SourceID(place))
	}
	// A key frame that is asked for goes all the way back.
	asked := teacher.KeyFrameRequests(pipelinetest.Camera)
	eventually(t, "the teacher is asked", func() bool { // in the first seconds the cache answers
		if err := b.RequestKeyframe(); err != nil {
			t.Fatal(err)
		}
		return teacher.KeyFrameRequests(pipelinetest.Camera) > asked
	})
}

func TestRTPPortsRunOut(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{RTPPortMin: 42000, RTPPortMax: 42003})
	p := newPipeline(t, s)
	var ends []*pipeline.RtpEndpoint
	var err error
	for range 3 {
		e := newRTP(t, p, pipeline.RtpEndpointOptions{})
		ends = append(ends, e)
		if _, err = e.ProcessOffer(t.Context(), newPhone(t).offer("audio", "RTP/AVP", "0")); err != nil {
			break
		}
	}
	if !errors.Is(err, pipeline.ErrNoPort) {
		t.Fatalf("error %v", err)
	}
	ends[0].Release()
	if _, err := ends[len(ends)-1].ProcessOffer(t.Context(), newPhone(t).offer("audio", "RTP/AVP", "0")); err != nil {
		t.Errorf("after a release: %v", err)
	}
}

// TestTelephone: G.711 from a telephone reaches a browser that takes it, beside
// its Opus, and one that does not is told.
func TestTelephone(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	e := newRTP(t, p, pipeline.RtpEndpointOptions{})
	x := newPhone(t)
	x.listen()
	answer, err := e.ProcessOffer(t.Context(), x.offer("audio", "RTP/AVP", "0"))
	if err != nil {
		t.Fatal(err)
	}
	able, unable := newEndpoint(t, p), newEndpoint(t, p)
	got := events(t, unable)
	page := pipelinetest.NewViewer(t, pipelinetest.Options{G711: true})
	connect(t, e, able)
	connect(t, e, unable)
	page.Negotiate(able.ProcessOffer)
	pipelinetest.NewViewer(t, pipelinetest.Options{}).Negotiate(unable.ProcessOffer)
	page.WaitConnected()
	to := target(t, answer, 0)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	mic := page.Slot(pipelinetest.Mic)
	for i := 0; mic.Stats().Packets < 20; i++ {
		if i == 500 {
			t.Fatalf("%+v", mic.Stats())
		}
		<-tick.C
		x.send(to, 0, uint16(i), 9, make([]byte, 160))
	}
	u := waitEvent(t, got, func(u pipeline.Unplayable) bool { return u.MediaType == pipeline.Audio })
	if u.Codec != "audio/PCMU" || len(u.Accepted) != 1 || u.Accepted[0] != "audio/opus" {
		t.Errorf("%+v", u)
	}
}
