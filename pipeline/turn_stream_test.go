package pipeline

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/pion/stun/v4"
)

// TestTURNFrames: messages are cut out of the stream as they were put in,
// however it comes.
func TestTURNFrames(t *testing.T) {
	t.Parallel()
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername("somebody"))
	if err != nil {
		t.Fatal(err)
	}
	frames := [][]byte{m.Raw, {0x40, 0, 0, 3, 1, 2, 3, 0}, {0x4f, 0xff, 0, 4, 1, 2, 3, 4}, {0x40, 1, 0, 0}, m.Raw}
	stream := bytes.Join(frames, nil)
	for name, r := range map[string]io.Reader{"whole": bytes.NewReader(stream), "bytes": iotest.OneByteReader(bytes.NewReader(stream))} {
		buf := make([]byte, maxTURNFrame)
		for i, want := range frames {
			if n, err := readTURNFrame(r, buf); err != nil || !bytes.Equal(buf[:n], want) {
				t.Errorf("%s: frame %d is %v, %v", name, i, buf[:n], err)
			}
		}
		if _, err := readTURNFrame(r, buf); err != io.EOF {
			t.Errorf("%s: at the end %v", name, err)
		}
	}
	for name, p := range map[string][]byte{
		"HTTP": []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "media": {0x80, 0, 0, 0}, "a channel that cannot be": {0x50, 0, 0, 0},
		"too long": {0, 1, 0xff, 0xfc}, "too long for a channel": {0x40, 0, 0xff, 0xff}, "an odd length": {0, 1, 0, 1},
	} {
		if _, err := readTURNFrame(bytes.NewReader(p), make([]byte, maxTURNFrame)); !errors.Is(err, errTURNFrame) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := readTURNFrame(bytes.NewReader(stream[:10]), make([]byte, maxTURNFrame)); err != io.ErrUnexpectedEOF {
		t.Errorf("cut off: error %v", err)
	}
}

func FuzzTURNFrame(f *testing.F) {
	f.Add([]byte{0x40, 0, 0, 3, 1, 2, 3, 0})
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, p []byte) {
		buf := make([]byte, 256)
		r := bytes.NewReader(p)
		for {
			n, err := readTURNFrame(r, buf)
			if err != nil {
				return
			}
			if n < 4 || n > len(buf) || n%4 != 0 {
				t.Fatalf("a frame of %d bytes", n)
			}
		}
	})
}

// TestTURNStreamNeverWaits: nobody reads at the other end, and whoever writes goes
// on; what waits is bounded, and the end comes in time.
func TestTURNStreamNeverWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := newTURNStream(near, near)
		for range 3 * maxStreamWaiting {
			if n, err := s.WriteTo(make([]byte, 100), nil); n != 100 || err != nil {
				t.Fatalf("writing: %d, %v", n, err)
			}
		}
		if len(s.out) > maxStreamWaiting {
			t.Errorf("%d messages wait", len(s.out))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.WriteTo([]byte{1}, nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("writing behind the end: %v", err)
		}
		_ = far.Close()
	})
}

// TestTURNStreamSaysGoodbye: what was written before the end arrives.
func TestTURNStreamSaysGoodbye(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := newTURNStream(near, near)
		got := make(chan []byte, 1)
		go func() {
			all, _ := io.ReadAll(far)
			got <- all
		}()
		_, _ = s.WriteTo([]byte("good"), nil)
		_, _ = s.WriteTo([]byte("bye"), nil)
		_ = s.Close()
		if all := <-got; string(all) != "goodbye" {
			t.Errorf("%q", all)
		}
	})
}
