package sfu

import "time"

// UpTrackConfig describes a track that arrives.
type UpTrackConfig struct {
	Kind  Kind
	Codec Codec
	// RequestKeyFrame asks the sender of that SSRC for a key frame (a PLI). It is called without locks of this
	// package held, at most once in KeyFrameInterval for each layer. Close waits for a call under way: hold no
	// lock around Close that this function takes.
	RequestKeyFrame func(ssrc uint32)
	// Clock defaults to time.Now.
	Clock func() time.Time
	// KeyFrameInterval merges key-frame requests; 0 is 500 ms.
	KeyFrameInterval time.Duration
	// RingSize is how many packets each layer remembers; 0 is 1024 for video, 128 for audio. It is rounded up
	// to a power of two.
	RingSize int
	// SourceClock is shared by all tracks of one sender, so that their sender reports are mapped to our time
	// alike and lips stay with the voice. nil: the track has one of its own, which is right to some milliseconds.
	SourceClock *SourceClock
}

// UpTrack is one track of a presenter with all its layers.
type UpTrack struct{ cfg UpTrackConfig }

// NewUpTrack makes an up track without layers.
func NewUpTrack(cfg UpTrackConfig) *UpTrack { return &UpTrack{cfg: cfg} }

// AddLayer adds an encoding: rid "" for a track without simulcast.
func (u *UpTrack) AddLayer(rid string, ssrc uint32) *Layer { return &Layer{rid: rid, ssrc: ssrc} }

// Kind says what the track carries.
func (u *UpTrack) Kind() Kind { return u.cfg.Kind }

// Codec is the codec of the track.
func (u *UpTrack) Codec() Codec { return u.cfg.Codec }

// RequestKeyFrame asks for a key frame of every layer that flows; requests are merged.
func (u *UpTrack) RequestKeyFrame() {}

// Flowing tells whether packets came in the last two seconds.
func (u *UpTrack) Flowing() bool { return false }

// Stats returns the counters of the track.
func (u *UpTrack) Stats() UpTrackStats { return UpTrackStats{} }

// Close ends the track: slots fed by it become empty.
func (u *UpTrack) Close() {}
