package record

import (
	"math"
	"sort"
	"time"

	"kelas/pipeline/codec"
)

func (r *matroskaReader) finishInfo(info Info) Info {
	// Without a seek table the file is searched, where that is cheap.
	info.Seekable = r.in.src.CanSeek && (r.in.src.Local || r.cuesAt > 0 || len(r.cues) > 0)
	return info
}

// loadCues reads the seek table at the end, if it is there, and returns to the first cluster.
func (r *matroskaReader) loadCues() error {
	if len(r.cues) > 0 || r.cuesAt <= 0 || !r.in.src.CanSeek || r.in.src.Size >= 0 && r.cuesAt >= r.in.src.Size {
		return nil
	}
	back := r.in.at
	if err := r.in.jump(r.cuesAt); err != nil {
		return err
	}
	if id, size, err := r.element(); err == nil && id == idCues {
		if body, err := r.body(size); err == nil {
			r.readCues(body)
		}
	}
	return r.in.jump(back)
}

func (r *matroskaReader) readSeekHead(body []byte) {
	children(body, func(_ uint32, seek []byte) {
		var id, pos uint64
		children(seek, func(i uint32, data []byte) {
			switch i {
			case idSeekID:
				id = uintOf(data)
			case idSeekPosition:
				pos = uintOf(data)
			}
		})
		if id == idCues && pos < math.MaxInt64/2 {
			r.cuesAt = r.segment + int64(pos)
		}
	})
}

func (r *matroskaReader) readInfo(body []byte) time.Duration {
	var d float64
	children(body, func(id uint32, data []byte) {
		switch id {
		case idTimestampScale:
			if v := uintOf(data); v > 0 && v <= uint64(time.Second) {
				r.scale = int64(v)
			}
		case idDuration:
			d = floatOf(data)
		}
	})
	if ns := d * float64(r.scale); ns > 0 && ns < float64(maxTime) {
		return time.Duration(ns)
	}
	return 0
}

var matroskaCodecs = map[string]codec.Format{
	"V_VP8": codec.FormatVP8, "V_VP9": codec.FormatVP9, "V_AV1": codec.FormatAV1,
	"V_MPEG4/ISO/AVC": codec.FormatH264, "A_OPUS": codec.FormatOpus,
}

func readTracks(body []byte) (tracks []Track, leftOut []string) {
	children(body, func(id uint32, entry []byte) {
		if id != idTrackEntry || len(tracks)+len(leftOut) >= 64 {
			return
		}
		var number, kind uint64
		var name string
		var private []byte
		var width, height int
		children(entry, func(id uint32, data []byte) {
			switch id {
			case idTrackNumber:
				number = uintOf(data)
			case idTrackType:
				kind = uintOf(data)
			case idCodecID:
				name = string(data)
			case idCodecPrivate:
				private = data
			case idVideo:
				children(data, func(id uint32, data []byte) {
					switch id {
					case idPixelWidth:
						width = int(uintOf(data) & 0xffff)
					case idPixelHeight:
						height = int(uintOf(data) & 0xffff)
					}
				})
			}
		})
		if t, ok := openTrack(matroskaCodecs[name], private); ok {
			t.number, t.Width, t.Height = number, width, height
			tracks = append(tracks, t)
		} else if kind == 1 || kind == 2 { // pictures, sound
			leftOut = append(leftOut, codecName(name))
		}
	})
	return tracks, leftOut
}

func (r *matroskaReader) readCues(body []byte) {
	children(body, func(id uint32, point []byte) {
		if id != idCuePoint {
			return
		}
		c := cuePoint{pos: -1}
		children(point, func(id uint32, data []byte) {
			switch id {
			case idCueTime:
				c.at = r.scaled(uintOf(data))
			case idCueTrackPositions:
				children(data, func(id uint32, data []byte) {
					switch id {
					case idCueTrack:
						c.track = uintOf(data)
					case idCueClusterPosition:
						if v := uintOf(data); v < math.MaxInt64/2 {
							c.pos = r.segment + int64(v)
						}
					}
				})
			}
		})
		if c.pos >= 0 {
			r.cues = append(r.cues, c)
		}
	})
	sort.SliceStable(r.cues, func(i, j int) bool { return r.cues[i].at < r.cues[j].at })
}

func (r *matroskaReader) scaled(v uint64) time.Duration {
	if v > uint64(int64(maxTime)/r.scale) {
		return maxTime
	}
	return time.Duration(int64(v) * r.scale)
}
