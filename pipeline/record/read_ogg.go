package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"kelas/pipeline/codec"
)

// oggReader reads Opus in Ogg (RFC 3533, RFC 7845).
type oggReader struct {
	in      *cursor
	track   *Track
	serial  uint32
	preSkip int64
	start   int64 // of the first page with sound

	packets [][]byte // of the page read last
	part    []byte   // of a packet that goes on in the next page
	at      int64    // samples before the next packet; -1: the page's position tells
	granule int64    // of the page read last
}

const (
	oggPageHead = 27
	oggRate     = 48000
	maxOggPage  = oggPageHead + 255 + 255*255
)

// oggPage is the head of a page.
type oggPage struct {
	flags   byte
	granule int64
	serial  uint32
	lacing  []byte
	size    int // of the body
}

func parseOggPage(head []byte) (p oggPage, ok bool) {
	if len(head) < oggPageHead || !bytes.HasPrefix(head, []byte("OggS")) || head[4] != 0 {
		return p, false
	}
	return oggPage{
		flags: head[5], granule: int64(binary.LittleEndian.Uint64(head[6:])), serial: binary.LittleEndian.Uint32(head[14:]),
	}, true
}

func (r *oggReader) page() (oggPage, error) {
	head, err := r.in.read(oggPageHead)
	if err != nil {
		return oggPage{}, err
	}
	p, ok := parseOggPage(head)
	if !ok {
		return p, fmt.Errorf("%w: no page where one should begin", ErrDamaged)
	}
	if p.lacing, err = r.in.read(int(head[26])); err != nil {
		return p, err
	}
	for _, l := range p.lacing {
		p.size += int(l)
	}
	return p, nil
}

// load reads the next page of the stream; its packets are those that end in it.
func (r *oggReader) load() error {
	for {
		p, err := r.page()
		if err != nil {
			return err
		}
		if p.serial != r.serial {
			if err := r.in.skip(int64(p.size)); err != nil {
				return err
			}
			continue
		}
		body, err := r.in.read(p.size)
		if err != nil {
			return err
		}
		return r.cut(p, body)
	}
}

func (r *oggReader) cut(p oggPage, body []byte) error {
	if p.flags&1 == 0 {
		r.part = nil
	}
	skipFirst := p.flags&1 != 0 && r.part == nil // its beginning is missing, after a seek
	r.packets = r.packets[:0]
	for _, l := range p.lacing {
		r.part = append(r.part, body[:l]...)
		body = body[l:]
		if len(r.part) > maxSample {
			return fmt.Errorf("%w: a packet without end", ErrDamaged)
		}
		if l < 255 {
			if !skipFirst {
				r.packets = append(r.packets, r.part)
			}
			r.part, skipFirst = nil, false
		}
	}
	r.granule = p.granule
	return nil
}

func (r *oggReader) open() ([]Track, Info, error) {
	info := Info{Container: "Ogg", Seekable: r.in.src.CanSeek && r.in.src.Size > 0}
	var head []byte
	for head == nil {
		p, err := r.page()
		if err != nil {
			return nil, info, err
		}
		body, err := r.in.read(p.size)
		if err != nil {
			return nil, info, err
		}
		switch {
		case p.flags&2 == 0:
			return nil, info, fmt.Errorf("%w: Ogg without Opus", ErrFormat)
		case bytes.HasPrefix(body, []byte("OpusHead")) && len(body) >= 19:
			r.serial, head = p.serial, body
		}
	}
	r.preSkip = int64(binary.LittleEndian.Uint16(head[10:]))
	for { // the comments, which may take several pages
		if err := r.load(); err != nil {
			return nil, info, err
		}
		if len(r.packets) > 0 {
			break
		}
	}
	r.packets = r.packets[:0]
	r.start = r.in.at
	t, _ := openTrack(codec.FormatOpus, head)
	if info.Seekable {
		last, err := r.lastGranule()
		if err != nil {
			return nil, info, err
		}
		info.Duration = max(r.timeOf(last), 0)
		if err := r.in.jump(r.start); err != nil {
			return nil, info, err
		}
	}
	return []Track{t}, info, nil
}

func (r *oggReader) choose(tracks [kinds]*Track) { r.track = tracks[Audio] }

func (r *oggReader) timeOf(samples int64) time.Duration {
	samples -= r.preSkip
	return time.Duration(samples/oggRate)*time.Second + time.Duration(samples%oggRate)*time.Second/oggRate
}

func (r *oggReader) next() (*Track, Sample, error) {
	for len(r.packets) == 0 {
		if err := r.load(); err != nil {
			return nil, Sample{}, err
		}
		if len(r.packets) > 0 {
			r.place()
		}
	}
	data := r.packets[0]
	r.packets = r.packets[1:]
	s := Sample{At: max(r.timeOf(r.at), 0), Key: true, Data: data}
	r.at += samplesOf(data)
	return r.track, s, nil
}

// place tells the time of a page's first packet: the page says where its last one ends.
func (r *oggReader) place() {
	if r.granule < 0 || r.granule > int64(maxTime/time.Second)*oggRate {
		return
	}
	var n int64
	for _, p := range r.packets {
		n += samplesOf(p)
	}
	// The last page may say less than it holds, so that the end is cut off.
	if at := r.granule - n; r.at <= 0 || at > r.at {
		r.at = max(at, 0)
	}
}

func samplesOf(packet []byte) int64 {
	return int64(codec.OpusDuration(packet)) * oggRate / int64(time.Second)
}

// find gives the first page of the stream that begins at or behind pos, and before end.
func (r *oggReader) find(pos, end int64) (p oggPage, at int64, err error) {
	if err := r.in.jump(pos); err != nil {
		return p, 0, err
	}
	for r.in.at < end {
		window, err := r.in.peek(min(maxOggPage, 4096))
		if err != nil {
			return p, 0, err
		}
		i := bytes.Index(window, []byte("OggS"))
		if i < 0 {
			if len(window) < oggPageHead {
				return p, 0, io.EOF
			}
			if err := r.in.skip(int64(len(window) - 3)); err != nil {
				return p, 0, err
			}
			continue
		}
		if err := r.in.skip(int64(i)); err != nil {
			return p, 0, err
		}
		head, err := r.in.peek(oggPageHead)
		if err != nil {
			return p, 0, err
		}
		if p, ok := parseOggPage(head); ok && p.serial == r.serial && p.granule >= 0 && r.in.at < end {
			return p, r.in.at, nil
		}
		if err := r.in.skip(1); err != nil {
			return p, 0, err
		}
	}
	return p, 0, io.EOF
}

// lastGranule reads the end of the file.
func (r *oggReader) lastGranule() (int64, error) {
	last := r.preSkip
	pos := max(r.start, r.in.src.Size-2*maxOggPage)
	for {
		p, at, err := r.find(pos, r.in.src.Size)
		if err == io.EOF {
			return min(last, int64(maxTime/time.Second)*oggRate), nil
		} else if err != nil {
			return 0, err
		}
		last = max(last, p.granule)
		pos = at + 1
	}
}

// seek halves the file until the page before the wanted time is found.
func (r *oggReader) seek(to time.Duration) (time.Duration, error) {
	low, high := r.start, r.in.src.Size
	best := r.start
	for high-low > 4096 {
		mid := low + (high-low)/2
		p, at, err := r.find(mid, high)
		switch {
		case err == io.EOF:
			high = mid
		case err != nil:
			return 0, err
		case r.timeOf(p.granule) <= to: // where the page ends
			best, low = at, at+1
		default:
			high = mid
		}
	}
	if err := r.in.jump(best); err != nil {
		return 0, err
	}
	r.packets, r.part, r.at = nil, nil, 0
	return r.skipTo(to)
}

// skipTo leaves out the packets that end before the wanted time.
func (r *oggReader) skipTo(to time.Duration) (time.Duration, error) {
	for {
		for len(r.packets) > 0 {
			n := samplesOf(r.packets[0])
			if r.timeOf(r.at+n) > to {
				return max(r.timeOf(r.at), 0), nil
			}
			r.at += n
			r.packets = r.packets[1:]
		}
		if err := r.load(); err == io.EOF {
			return max(r.timeOf(r.at), 0), nil
		} else if err != nil {
			return 0, err
		}
		r.place()
	}
}
