package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"kelas/signaling/client"
	"kelas/signaling/wire"
)

// target is a server to measure.
type target interface {
	// present brings the presenter's connection to the server.
	present(ctx context.Context, pc *webrtc.PeerConnection, shows string) error
	// come brings one viewer through the door.
	come(ctx context.Context, number int) (line, error)
	// silence lets the presenter go; another may present then.
	silence()
}

// kelas is a server reached by its signaling.
type kelas struct {
	url, class string
	token      string // of the presenter
	viewers    string // an invitation for many

	presenting *client.Client
	seats      sync.Map // of viewers by number: who comes again is the same person
}

const leaveTime = 5 * time.Second

func (k *kelas) present(ctx context.Context, pc *webrtc.PeerConnection, shows string) error {
	c, _, err := k.join(ctx, k.token, "Presenter")
	if err != nil {
		return err
	}
	k.presenting = c
	if _, err := c.Present(ctx, pc); err != nil {
		return err
	}
	return c.Publish(ctx, wire.PublishRequest{Mic: true, Camera: shows == "camera", Screen: shows == "screen"})
}

func (k *kelas) join(ctx context.Context, token, name string) (c *client.Client, seat string, err error) {
	c, err = client.Dial(ctx, client.Config{URL: k.url, Class: k.class, Token: token, Name: name, ReadBufferSize: 1 << 10})
	if err != nil {
		return nil, "", fmt.Errorf("coming to the class: %w", err)
	}
	joined, err := c.Join(ctx, wire.JoinRequest{})
	if err != nil {
		c.Close()
		return nil, "", fmt.Errorf("joining the class: %w", err)
	}
	return c, joined.Seat, nil
}

func (k *kelas) silence() {
	if k.presenting != nil {
		leave(k.presenting)
		k.presenting = nil
	}
}

func (k *kelas) come(ctx context.Context, number int) (line, error) {
	token := k.viewers
	if seat, ok := k.seats.Load(number); ok {
		token = seat.(string)
	}
	c, seat, err := k.join(ctx, token, fmt.Sprintf("Viewer %d", number))
	if err != nil {
		return nil, err
	}
	if seat != "" {
		k.seats.Store(number, seat)
	}
	return &kelasLine{c}, nil
}

type kelasLine struct{ client *client.Client }

func (l *kelasLine) offer(ctx context.Context, sdp string) (string, error) {
	r, err := l.client.Offer(ctx, wire.EndpointViewer, sdp, "")
	return r.SDPAnswer, err
}

func (l *kelasLine) close() { leave(l.client) }

// leave ends the session, so that the server need not wait for a return.
func leave(c *client.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	_ = c.Leave(ctx) // a cut line has left already
	c.Close()
}

// plain is the baseline: offers by HTTP POST, whole.
type plain struct {
	url   string
	http  *http.Client
	ready atomic.Bool // the presenter's tracks have come
}

// plainOffer is what the baseline is asked, and answers.
type plainOffer struct {
	SDP string `json:"sdp"`
}

func (p *plain) present(ctx context.Context, pc *webrtc.PeerConnection, _ string) error {
	gathered := webrtc.GatheringCompletePromise(pc)
	offer, err := pc.CreateOffer(nil)
	if err == nil {
		err = pc.SetLocalDescription(offer)
	}
	if err != nil {
		return fmt.Errorf("making an offer: %w", err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return ctx.Err()
	}
	sdp, err := p.ask(ctx, "/presenter", pc.LocalDescription().SDP)
	if err != nil {
		return err
	}
	return pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp})
}

// come waits for the presenter's tracks, without which a viewer would
// negotiate nothing.
func (p *plain) come(ctx context.Context, _ int) (line, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !p.ready.Load() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/ready", nil)
		if err != nil {
			return nil, err
		}
		resp, err := p.http.Do(req)
		if err != nil {
			return nil, fmt.Errorf("asking the baseline: %w", err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			p.ready.Store(true)
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return plainLine{p}, nil
}

// silence has nothing to say: the baseline sees the connection end.
func (p *plain) silence() {}

type plainLine struct{ plain *plain }

func (l plainLine) offer(ctx context.Context, sdp string) (string, error) {
	return l.plain.ask(ctx, "/viewer", sdp)
}

// close has nothing to say either: DTLS has said it.
func (l plainLine) close() {}

func (p *plain) ask(ctx context.Context, path, sdp string) (string, error) {
	body, err := json.Marshal(plainOffer{SDP: sdp})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking the baseline: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", fmt.Errorf("asking the baseline: %w", err)
	}
	var a plainOffer
	if resp.StatusCode != http.StatusOK || json.Unmarshal(raw, &a) != nil {
		return "", fmt.Errorf("the baseline refused: %d %s", resp.StatusCode, bytes.TrimSpace(raw))
	}
	return a.SDP, nil
}
