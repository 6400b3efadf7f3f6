package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// baseline is the forwarder that one writes with pion in an afternoon: one
// PeerConnection for each, default codecs, default interceptors, default
// settings, and a TrackLocalStaticRTP between them. The one exception is that
// it also offers its loopback address, so that it works without a network.
// What it does is what its tutorial does; it is here so that ratios can be
// taken on any machine.
type baseline struct {
	api *webrtc.API

	mu        sync.Mutex
	presenter *webrtc.PeerConnection
	tracks    map[string]*webrtc.TrackLocalStaticRTP // by kind
	ssrcs     map[string]webrtc.SSRC
	pcs       map[*webrtc.PeerConnection]struct{}
}

// serveBaseline serves until ctx ends; it says its address on out.
func serveBaseline(ctx context.Context, addr string, out io.Writer) error {
	s := webrtc.SettingEngine{}
	s.SetIncludeLoopbackCandidate(true)
	b := &baseline{api: webrtc.NewAPI(webrtc.WithSettingEngine(s)), tracks: map[string]*webrtc.TrackLocalStaticRTP{},
		ssrcs: map[string]webrtc.SSRC{}, pcs: map[*webrtc.PeerConnection]struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /presenter", b.answer(b.present))
	mux.HandleFunc("POST /viewer", b.answer(b.view))
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.tracks) < 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "go_goroutines %d\n", runtime.NumGoroutine())
	})
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	fmt.Fprintf(out, "http://%s\n", l.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = server.Close()
		<-failed
	}
	b.mu.Lock()
	pcs := b.pcs
	b.pcs = nil
	b.mu.Unlock()
	for pc := range pcs {
		_ = pc.Close()
	}
	return err
}

func (b *baseline) answer(prepare func(*webrtc.PeerConnection) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var offer plainOffer
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&offer); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		sdp, err := b.negotiate(r.Context(), offer.SDP, prepare)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(plainOffer{SDP: sdp}) // who asked has gone
	}
}

func (b *baseline) negotiate(ctx context.Context, offer string, prepare func(*webrtc.PeerConnection) error) (string, error) {
	pc, err := b.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	b.mu.Lock()
	b.pcs[pc] = struct{}{}
	b.mu.Unlock()
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateFailed || s == webrtc.PeerConnectionStateClosed {
			b.forget(pc)
		}
	})
	sdp, err := b.describe(ctx, pc, offer, prepare)
	if err != nil {
		b.forget(pc)
		return "", errors.Join(err, pc.Close())
	}
	return sdp, nil
}

func (b *baseline) forget(pc *webrtc.PeerConnection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pcs, pc)
}

func (b *baseline) describe(ctx context.Context, pc *webrtc.PeerConnection, offer string, prepare func(*webrtc.PeerConnection) error) (string, error) {
	if err := prepare(pc); err != nil {
		return "", err
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	select {
	case <-gathered:
		return pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// present forwards the tracks that come to the two local ones.
func (b *baseline) present(pc *webrtc.PeerConnection) error {
	b.mu.Lock()
	b.presenter = pc
	b.mu.Unlock()
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		local, err := webrtc.NewTrackLocalStaticRTP(t.Codec().RTPCodecCapability, t.Kind().String(), "presenter")
		if err != nil {
			return
		}
		b.mu.Lock()
		b.tracks[t.Kind().String()] = local
		b.ssrcs[t.Kind().String()] = t.SSRC()
		b.mu.Unlock()
		buf := make([]byte, 1500)
		for {
			n, _, err := t.Read(buf)
			if err != nil {
				return
			}
			// A viewer that has gone is no reason to stop.
			_, _ = local.Write(buf[:n])
		}
	})
	return nil
}

// view adds the tracks and passes requests for a key frame on.
func (b *baseline) view(pc *webrtc.PeerConnection) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.tracks) < 2 {
		return errors.New("nobody presents yet")
	}
	for kind, track := range b.tracks {
		sender, err := pc.AddTrack(track)
		if err != nil {
			return err
		}
		go b.passOn(sender, kind)
	}
	return nil
}

// passOn ends with the connection.
func (b *baseline) passOn(sender *webrtc.RTPSender, kind string) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, x := range packets {
			if _, pli := x.(*rtcp.PictureLossIndication); pli && kind == "video" {
				b.askForKeyFrame()
			}
		}
	}
}

func (b *baseline) askForKeyFrame() {
	b.mu.Lock()
	pc, ssrc := b.presenter, b.ssrcs["video"]
	b.mu.Unlock()
	_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(ssrc)}})
}
