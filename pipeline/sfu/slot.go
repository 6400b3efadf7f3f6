package sfu

import (
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// SlotCodec is one codec that a viewer accepts, with the viewer's own payload types.
type SlotCodec struct {
	Codec          Codec
	PayloadType    uint8
	RTXPayloadType uint8 // 0: no retransmission format (RFC 4588) for this codec
}

// SlotConfig describes a viewer's place for a track.
type SlotConfig struct {
	Kind           Kind
	SSRC           uint32
	RTXSSRC        uint32 // 0: no retransmission stream
	Codecs         []SlotCodec
	MID            string
	MIDExtensionID uint8 // 0: no MID extension
	// Write sends a packet. Header and payload are valid only during the call; the header may be changed.
	// It is called with the slot locked: it must not call the slot. An error is counted, no more.
	Write func(h *rtp.Header, payload []byte) error
	// Unplayable is called, without locks held and at most once a feed, when none of Codecs fits the source.
	Unplayable func(c Codec)
	// Clock defaults to time.Now.
	Clock func() time.Time
}

// Slot is a viewer's fixed place for a track.
type Slot struct{ cfg SlotConfig }

// NewSlot makes an empty slot that is not connected yet.
func NewSlot(cfg SlotConfig) *Slot { return &Slot{cfg: cfg} }

// Kind says what the slot carries.
func (s *Slot) Kind() Kind { return s.cfg.Kind }

// Feed puts a track into the slot; nil empties it.
func (s *Slot) Feed(u *UpTrack) {}

// Feeding returns the track in the slot, nil when it is empty.
func (s *Slot) Feeding() *UpTrack { return nil }

// Connected tells that the transport is up, for the first time or again.
func (s *Slot) Connected() {}

// Disconnected tells that the transport is down: nothing is sent until Connected.
func (s *Slot) Disconnected() {}

// HandleRTCP takes the feedback of the viewer. Packets about other SSRCs are ignored.
func (s *Slot) HandleRTCP(packets []rtcp.Packet) {}

// SenderReport returns the report for this moment, nil when there is nothing to report.
func (s *Slot) SenderReport(now time.Time) *rtcp.SenderReport { return nil }

// Stats returns the counters of the slot.
func (s *Slot) Stats() SlotStats { return SlotStats{} }

// Close empties the slot for good and waits for a replay under way. Hold no lock around it that Write takes.
func (s *Slot) Close() {}
