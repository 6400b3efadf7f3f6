package record

import (
	"time"

	"kelas/pipeline/codec"
)

const (
	// soundSlack is how far sound may be off its time before a packet is put in or left out. Players count samples and
	// do not look at times, so the samples themselves must add up.
	soundSlack = 20 * time.Millisecond
	// concealable is how much is left to the decoder's concealment; what is longer becomes silence.
	concealable = 100 * time.Millisecond
	// silenceBehind is how far silence is kept behind the pictures while no sound comes: some may still be on its way.
	silenceBehind = time.Second
)

// soundLine is where the sound of a file has come to.
type soundLine struct {
	end    time.Duration // of the last packet
	config byte          // its table of contents byte
	length time.Duration // and its length, 0: there was none
}

// Silence in Opus (RFC 6716, section 3): six fullband frames of 20 ms in one packet, or one of them.
var (
	silenceLong  = []byte{0xff, 0x06, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe}
	silenceShort = []byte{0xfc, 0xff, 0xfe}
)

const (
	silenceLongLength  = 120 * time.Millisecond
	silenceShortLength = 20 * time.Millisecond
)

func (r *Recording) putSound(e entry, t time.Duration) error {
	d := codec.OpusDuration(e.data)
	if d == 0 {
		return nil
	}
	line := &r.sound
	if line.end-t >= max(soundSlack, d) {
		r.stats.Cut++
		return nil
	}
	if err := r.fillSound(t, soundSlack); err != nil {
		return err
	}
	line.config, line.length = e.data[0], d
	r.stats.Sounds++
	return r.writeSound(e.data, d)
}

// fillSound puts something where nothing came, until less than slack is missing.
func (r *Recording) fillSound(until, slack time.Duration) error {
	line := &r.sound
	if n := line.length; n > 0 && until-line.end <= concealable {
		// A packet without data has the decoder conceal (RFC 6716, section 2.1.9).
		conceal := []byte{line.config &^ 3}
		if one := codec.OpusDuration(conceal); one > 0 {
			n = one
		}
		for until-line.end >= max(slack, n) {
			r.stats.Filled++
			if err := r.writeSound(conceal, n); err != nil {
				return err
			}
		}
	}
	for until-line.end >= slack {
		data, d := silenceShort, silenceShortLength
		if until-line.end >= silenceLongLength {
			data, d = silenceLong, silenceLongLength
		}
		r.stats.Filled++
		if err := r.writeSound(data, d); err != nil {
			return err
		}
	}
	return nil
}

// coverSilence keeps the sound of a file near its pictures: a player that is promised sound and finds none would read
// on for it to the end of the file.
func (r *Recording) coverSilence(picture time.Duration) error {
	if !r.cfg.Audio || picture-r.sound.end < silenceBehind+silenceLongLength {
		return nil
	}
	return r.fillSound(picture-silenceBehind, silenceShortLength)
}

func (r *Recording) writeSound(data []byte, d time.Duration) error {
	at := r.sound.end
	r.sound.end += d
	return r.write(sample{kind: Audio, at: at, duration: d, key: true, data: data})
}
