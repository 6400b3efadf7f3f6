// Package sfu copies RTP packets from the tracks that arrive (UpTrack, Layer) to the places where viewers want
// them (Slot). It knows packets and time, and nothing else.
//
// It owns one ring of plaintext packets for each layer, and for each viewer's slot the numbers under which
// packets went out. It answers NACKs from the ring, replays the newest key frame and what follows to viewers who
// come, merges key-frame requests, and maps sender reports.
//
// It never opens a connection, never decodes, never changes a packet in a ring. Packets are sent by Workers, whose
// goroutines end with their Close, or without them by the goroutine that writes the layer; answers by the one that
// hands RTCP in, replays by timers that exist only while a replay lasts.
//
// A Line fits what one viewer's slots are sent to what its way carries; the estimate itself is pipeline/estimate's.
//
// Lock order: Slot.mu, then Line.mu, then UpTrack.mu, then Layer.mu, then SourceClock.mu. Each may be taken alone.
// keyRequester.mu is taken with none of them held. Layer.Write and workers hold no lock while they go through
// the slots; a worker's backlogs have locks of their own, taken alone.
// Callbacks: SlotConfig.Write is called with Slot.mu held and must not call the slot; UpTrackConfig.RequestKeyFrame
// and SlotConfig.Unplayable are called with no lock held. Slot.Close and UpTrack.Close wait for timers under way, so
// the caller holds no lock that Write or RequestKeyFrame takes.
package sfu
