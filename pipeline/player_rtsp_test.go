package pipeline_test

import (
	"bytes"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"kelas/pipeline"
	"kelas/pipeline/record/recordtest"
)

// camera is an RTSP server that sends pictures and sound again and again.
type camera struct {
	t      *testing.T
	server *gortsplib.Server
	stream *gortsplib.ServerStream
	stop   chan struct{}
	wg     sync.WaitGroup
}

func (c *camera) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

func (c *camera) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

func (c *camera) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// openCamera listens on an address; udp has it offer UDP too.
func openCamera(t *testing.T, address string, udp bool, media ...*description.Media) *camera {
	t.Helper()
	c := &camera{t: t, stop: make(chan struct{})}
	c.server = &gortsplib.Server{Handler: c, RTSPAddress: address}
	if udp {
		even := freeUDPPair(t)
		c.server.UDPRTPAddress, c.server.UDPRTCPAddress = even[0], even[1]
	}
	if err := c.server.Start(); err != nil {
		t.Fatal(err)
	}
	c.stream = &gortsplib.ServerStream{Server: c.server, Desc: &description.Session{Medias: media}}
	if err := c.stream.Initialize(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *camera) close() {
	close(c.stop)
	c.wg.Wait()
	c.stream.Close()
	c.server.Close()
}

// send repeats packets, each frame at its time.
func (c *camera) send(m *description.Media, payloadType uint8, interval time.Duration, packets []*rtp.Packet) {
	c.wg.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		seq, ts, i := uint16(rand.Uint32()), rand.Uint32(), 0
		step := packets[len(packets)-1].Timestamp - packets[0].Timestamp
		for {
			select {
			case <-c.stop:
				return
			case <-tick.C:
			}
			for first := packets[i].Timestamp; packets[i].Timestamp == first; {
				p := *packets[i]
				p.PayloadType, p.SSRC, p.SequenceNumber = payloadType, 0, seq
				p.Timestamp = ts + p.Timestamp - packets[0].Timestamp
				seq++
				if c.stream.WritePacketRTP(m, &p) != nil {
					return // closed
				}
				if i++; i == len(packets) {
					i, ts = 0, ts+step+step/uint32(len(packets))
					break
				}
			}
		}
	})
}

// freeUDPPair finds two ports of which the first is even (RFC 3550, section 11).
func freeUDPPair(t *testing.T) [2]string {
	t.Helper()
	for range 100 {
		a, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		port := a.LocalAddr().(*net.UDPAddr).Port
		_ = a.Close()
		if port%2 == 1 {
			continue
		}
		b, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port + 1})
		if err != nil {
			continue
		}
		_ = b.Close()
		return [2]string{a.LocalAddr().String(), b.LocalAddr().String()}
	}
	t.Fatal("no two ports")
	return [2]string{}
}

func freeTCP(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// h264Camera tells its parameter sets in SDP alone, as some do.
func h264Camera(t *testing.T, address string, udp bool) *camera {
	t.Helper()
	frames := recordtest.Video(t, "video/H264", "128x72", 2*time.Second)
	f := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	bare := make([]recordtest.Frame, len(frames))
	for i, fr := range frames {
		bare[i].At = fr.At
		for _, u := range bytes.Split(fr.Data, []byte{0, 0, 0, 1}) {
			switch {
			case len(u) == 0:
			case u[0]&0x1f == 7:
				f.SPS = u
			case u[0]&0x1f == 8:
				f.PPS = u
			default:
				bare[i].Data = append(append(bare[i].Data, 0, 0, 0, 1), u...)
			}
		}
	}
	sound := &format.Opus{PayloadTyp: 97, ChannelCount: 2}
	video := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
	audio := &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{sound}}
	c := openCamera(t, address, udp, video, audio)
	c.send(video, 96, 40*time.Millisecond, recordtest.Packetise(t, "video/H264", bare))
	c.send(audio, 97, 20*time.Millisecond, recordtest.Packetise(t, "audio/opus", recordtest.Sound(t, 2*time.Second)))
	return c
}

func TestPlayerOfCamera(t *testing.T) {
	for _, tt := range []struct {
		name, scheme string
		udp          bool
	}{{"over TCP", "rtspt", false}, {"over UDP", "rtspu", true}, {"falls back to TCP", "rtsp", false}} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			address := freeTCP(t)
			cam := h264Camera(t, address, tt.udp)
			defer func() { cam.close() }()
			p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir, PlayFrom: []string{address}}))
			player := newPlayer(t, p, tt.scheme+"://"+address+"/camera")
			out := filepath.Join(dir, "camera.mkv")
			r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "file://" + out, MediaProfile: pipeline.ProfileMKV})
			connect(t, player, r)
			if err := r.Record(); err != nil {
				t.Fatal(err)
			}
			play(t, player)
			written(t, r, 30)
			if err := player.SetPosition(t.Context(), 10); err == nil {
				t.Error("sought in what is live")
			}
			cam.close()
			cam = h264Camera(t, address, tt.udp) // it comes back
			written(t, r, 30)
			if err := player.Pause(); err != nil {
				t.Fatal(err)
			}
			play(t, player)
			written(t, r, 10)
			stopAndWait(t, r)
			f := recordtest.Probe(t, out)
			video, audio := f.Stream("video"), f.Stream("audio")
			if video == nil || audio == nil || video.Codec != "h264" || video.Width != 128 {
				t.Fatalf("%+v", f.Streams)
			}
			video.CheckOrder(t)
			audio.CheckOrder(t)
			if n := recordtest.Decode(t, out); n != len(video.Packets) {
				t.Errorf("%d pictures decoded of %d", n, len(video.Packets))
			}
		})
	}
}

// TestPlayerOfVPxCamera sends VP8 or VP9, and sound as telephones have it.
func TestPlayerOfVPxCamera(t *testing.T) {
	vp9 := &format.VP9{PayloadTyp: 96}
	for mime, f := range map[string]format.Format{"video/VP8": &format.VP8{PayloadTyp: 96}, "video/VP9": vp9} {
		t.Run(mime, func(t *testing.T) {
			dir := t.TempDir()
			address := freeTCP(t)
			video := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
			audio := &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{
				&format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1},
			}}
			cam := openCamera(t, address, false, video, audio)
			defer cam.close()
			cam.send(video, 96, 40*time.Millisecond, recordtest.Packetise(t, mime, recordtest.Video(t, mime, "128x72", 2*time.Second)))
			var tone []*rtp.Packet
			for i := range 50 {
				tone = append(tone, &rtp.Packet{
					Header:  rtp.Header{Version: 2, Timestamp: uint32(160 * i)},
					Payload: bytes.Repeat([]byte{0xff}, 160),
				})
			}
			cam.send(audio, 0, 20*time.Millisecond, tone)
			p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir, PlayFrom: []string{"127.0.0.0/8"}}))
			player := newPlayer(t, p, "rtspt://"+address+"/camera")
			out := filepath.Join(dir, "camera.webm")
			r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "file://" + out})
			told, recorded := events(t, player), events(t, r)
			connect(t, player, r)
			if err := r.Record(); err != nil {
				t.Fatal(err)
			}
			play(t, player)
			waitEvent(t, told, func(e pipeline.SourceAdded) bool { return e.Codec == "audio/PCMU" })
			// G.711 does not go into WebM, which is told; the pictures do.
			checkError(t, waitEvent[pipeline.Error](t, recorded, nil), pipeline.StreamErrorFailed)
			waitEvent(t, told, func(e pipeline.MediaFlowOutStateChanged) bool { return e.Flowing && e.MediaType == pipeline.Audio })
			written(t, r, 30)
			stopAndWait(t, r)
			if n := recordtest.Decode(t, out); n < 30 {
				t.Errorf("%d pictures", n)
			}
		})
	}
}

func TestPlayerOfNoCamera(t *testing.T) {
	address := freeTCP(t)
	p := newPipeline(t, newServer(t, pipeline.Config{PlayFrom: []string{"127.0.0.1"}}))
	player := newPlayer(t, p, "rtsp://user:secret@"+address+"/camera")
	told := events(t, player)
	play(t, player)
	e := waitEvent[pipeline.Error](t, told, nil)
	checkError(t, e, pipeline.ResourceErrorOpen)
	if bytes.Contains([]byte(e.Err.Error()), []byte("secret")) {
		t.Error("the password is told")
	}
}
