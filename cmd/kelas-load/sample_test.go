package main

import (
	"errors"
	"testing"
	"time"
)

// TestSamples: every stream can be read, is about what it says, and its
// packets can be told from each other.
func TestSamples(t *testing.T) {
	want := map[string][2]float64{"webcam": {1000, 1700}, "screen": {400, 900}, "webcam-small": {100, 225}, "screen-small": {120, 262}} // kbit/s
	for _, name := range streamNames {
		s, err := loadStream(name)
		if err != nil {
			t.Fatal(err)
		}
		st, err := newStamps(s)
		if err != nil {
			t.Fatal(err)
		}
		bytes, packets := 0, 0
		for _, c := range []*clip{s.video, s.audio} {
			for _, f := range c.frames {
				for _, p := range f.parts {
					bytes += len(p.payload)
					packets++
					if len(p.payload) > maxPart || len(p.payload) < tailSize {
						t.Fatalf("%s: a part of %d bytes", c.name, len(p.payload))
					}
				}
			}
			if length := c.interval * time.Duration(len(c.frames)); length < 3900*time.Millisecond || length > 4100*time.Millisecond {
				t.Errorf("%s takes %v", c.name, length)
			}
			if step := time.Duration(c.step) * time.Second / 90000; c.video && (step-c.interval).Abs() > time.Millisecond {
				t.Errorf("%s: the clock steps %v in %v", c.name, step, c.interval)
			}
		}
		if kbit := float64(bytes) * 8 / 4000; kbit < want[name][0] || kbit > want[name][1] {
			t.Errorf("%s has %.0f kbit/s", name, kbit)
		}
		if packets != s.size || len(st.at) != packets {
			t.Errorf("%s: %d packets, %d numbered, %d stamped", name, packets, s.size, len(st.at))
		}
		if shows := s.shows(); shows != map[bool]string{true: "screen", false: "camera"}[name[0] == 's'] {
			t.Errorf("%s is shown as %s", name, shows)
		}
	}
	if _, err := loadStream("movie"); err == nil {
		t.Error("there is a movie")
	}
}

func TestStamps(t *testing.T) {
	s, err := loadStream("screen-small")
	if err != nil {
		t.Fatal(err)
	}
	st, err := newStamps(s)
	if err != nil {
		t.Fatal(err)
	}
	p := s.video.frames[3].parts[0]
	now := time.Now()
	if _, _, ok := st.delay(p.payload, now); ok {
		t.Error("a packet was not sent yet, and has a delay")
	}
	st.mark(p.stamp, true)
	sent := time.Duration(st.sent[p.stamp].Load())
	// A forwarder has rewritten the front.
	d, video, ok := st.delay(append([]byte("a descriptor"), p.payload...), st.epoch.Add(sent+7*time.Millisecond))
	if !ok || !video || d != 7*time.Millisecond {
		t.Errorf("delay %v, video %v, known %v", d, video, ok)
	}
	for _, unknown := range [][]byte{nil, []byte("short"), make([]byte, 100)} {
		if _, _, ok := st.delay(unknown, now); ok {
			t.Errorf("%x is known", unknown)
		}
	}
	if st.total() != 1 {
		t.Errorf("%d packets are counted", st.total())
	}
	s.video.frames[4].parts[0].payload = p.payload
	if _, err := newStamps(s); err == nil {
		t.Error("two packets with the same end are accepted")
	}
	s.video.frames[4].parts[0].payload = []byte("short")
	if _, err := newStamps(s); err == nil {
		t.Error("a packet without an end is accepted")
	}
}

func TestAnswer(t *testing.T) {
	const good = "v=0\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:abcd\r\na=ice-pwd:secretsecretsecretsecret\r\n" +
		"a=fingerprint:sha-256 aa:BB\r\na=setup:passive\r\na=rtpmap:96 VP8/90000\r\n" +
		"a=candidate:1 1 udp 2130706431 203.0.113.5 8189 typ host\r\na=candidate:2 2 udp 1 203.0.113.6 8189 typ host\r\n" +
		"a=candidate:3 1 tcp 1 203.0.113.7 8189 typ host tcptype passive\r\na=candidate:4 1 udp 1 2001:db8::1 8189 typ host\r\na=candidate:5 1 UDP 1 name.local 1 typ host\r\n"
	a, err := readAnswer(good)
	if err != nil || a.ufrag != "abcd" || a.fingerprint != "AA:BB" || !a.passive || len(a.addresses) != 1 || a.addresses[0].String() != "203.0.113.5:8189" {
		t.Fatalf("%+v, %v", a, err)
	}
	for _, bad := range []string{"", "v=0", good[:60], "a=ice-ufrag:a\na=ice-pwd:b\na=fingerprint:sha-256 AA\na=rtpmap:96 VP8/90000"} {
		if _, err := readAnswer(bad); !errors.Is(err, errAnswer) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
