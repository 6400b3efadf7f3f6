package pipelinetest

import (
	"testing"

	"github.com/pion/webrtc/v4"
)

// Mirror is a page that sees itself: two sendrecv m-lines, microphone and
// camera, as in Kurento's hello-world.
type Mirror struct {
	*Presenter
	slots map[Place]*Slot
}

// NewMirror opens such a page; the test's cleanup closes it.
func NewMirror(tb testing.TB, o Options) *Mirror {
	tb.Helper()
	m := &Mirror{
		Presenter: &Presenter{browser: newBrowser(tb, o), sources: make(map[Place][]*source)},
		slots:     make(map[Place]*Slot),
	}
	byReceiver := make(map[*webrtc.RTPReceiver]*Slot)
	for _, place := range []Place{Mic, Camera} {
		t := m.addSource(place, o, webrtc.RTPTransceiverDirectionSendrecv)
		m.slots[place] = newSlot(place)
		byReceiver[t.Receiver()] = m.slots[place]
	}
	m.receive(byReceiver)
	return m
}

// Slot is what comes back.
func (m *Mirror) Slot(p Place) *Slot { return m.slots[p] }
