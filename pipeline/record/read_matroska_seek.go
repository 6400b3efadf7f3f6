package record

import (
	"io"
	"time"
)

func (r *matroskaReader) seek(to time.Duration) (time.Duration, error) {
	r.waiting = nil
	lead := r.chosen[Video]
	if lead == nil {
		lead = r.chosen[Audio]
	}
	start := r.first
	for _, c := range r.cues {
		if c.track == lead.number && c.at <= to {
			start = c.pos
		}
	}
	at, err := r.search(start, lead, to)
	if err != nil {
		return 0, err
	}
	r.from, r.needKey = at, r.chosen[Video] != nil
	return at, nil
}

// search walks on from a cluster to the newest key frame that is not behind to, and stands before its cluster's
// blocks again.
func (r *matroskaReader) search(start int64, lead *Track, to time.Duration) (time.Duration, error) {
	if err := r.in.jump(start); err != nil {
		return 0, err
	}
	found, foundPos, foundCluster := time.Duration(-1), start, r.cluster
	for {
		pos, t, samples, err := r.block()
		if err == io.EOF {
			break
		} else if err != nil {
			return 0, err
		}
		if t != lead || len(samples) == 0 {
			continue
		}
		if samples[0].At > to && found >= 0 {
			break
		}
		if samples[0].Key {
			found, foundPos, foundCluster = samples[0].At, pos, r.cluster
		}
		if samples[0].At > to {
			break // nothing before it: the file begins later
		}
	}
	if found < 0 {
		found = to
	}
	if err := r.in.jump(foundPos); err != nil {
		return 0, err
	}
	r.cluster = foundCluster
	return found, nil
}
