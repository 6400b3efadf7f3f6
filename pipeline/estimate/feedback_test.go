package estimate

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

type seen struct {
	number  uint16
	arrived bool
	at      int64
}

func walk(p []byte) (list []seen) {
	readArrivals(p).each(p, func(number uint16, arrived bool, at int64) {
		if !arrived {
			at = 0
		}
		list = append(list, seen{number, arrived, at})
	})
	return list
}

// byPion reads the same with the library.
func byPion(t *rtcp.TransportLayerCC) (list []seen) {
	deltas, at, number := t.RecvDeltas, int64(0), t.BaseSequenceNumber
	one := func(symbol uint16) {
		if len(list) == int(t.PacketStatusCount) {
			return
		}
		s := seen{number: number}
		if symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta {
			at += deltas[0].Delta
			deltas = deltas[1:]
			s.arrived, s.at = true, at
		}
		list = append(list, s)
		number++
	}
	for _, c := range t.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				one(c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			for _, symbol := range c.SymbolList {
				one(symbol)
			}
		}
	}
	return list
}

func TestArrivalsAsRecorded(t *testing.T) {
	r := twcc.NewRecorder(1)
	at := int64(5_000_000)
	for n := range uint16(400) {
		switch {
		case n%7 == 3, n > 100 && n < 140:
			continue // lost
		case n%50 == 0:
			at += 80_000 // more than a small step holds
		}
		at += 1250
		r.Record(9, 65400+n, at)
	}
	packets := r.BuildFeedbackPacket()
	if len(packets) == 0 {
		t.Fatal("nothing to read")
	}
	total := 0
	for _, p := range packets {
		raw, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, want := walk(raw), byPion(p.(*rtcp.TransportLayerCC))
		if len(got) != len(want) {
			t.Fatalf("%d packets, want %d", len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("packet %d: %+v, want %+v", i, got[i], want[i])
			}
		}
		total += len(got)
	}
	if total < 390 {
		t.Errorf("%d packets", total)
	}
}

func TestReadCompound(t *testing.T) {
	remb := &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1_250_000, SSRCs: []uint32{5}}
	rr := &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 5, FractionLost: 64}, {SSRC: 6, FractionLost: 128}}}
	sr := &rtcp.SenderReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 7, FractionLost: 32}}}
	nack := &rtcp.TransportLayerNack{MediaSSRC: 5, Nacks: []rtcp.NackPair{{PacketID: 1}}}
	r := twcc.NewRecorder(1)
	r.Record(5, 1, 1000)
	var raw []byte
	for _, p := range []rtcp.Packet{rr, nack, r.BuildFeedbackPacket()[0], remb, sr} {
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, b...)
	}
	var got []Report
	Read(raw, func(r Report) {
		r.Arrivals = bytes.Clone(r.Arrivals)
		got = append(got, r)
	})
	if len(got) != 5 || got[0].SSRC != 5 || got[0].Fraction != 0.25 || got[1].Fraction != 0.5 || got[2].Kind != Transport ||
		got[3].Kind != REMB || got[4].SSRC != 7 {
		t.Fatalf("%+v", got)
	}
	if d := got[3].Bitrate - 1_250_000; d > 0 || d < -1000 {
		t.Errorf("REMB of %d", got[3].Bitrate)
	}
	if OnlyArrivals(raw) || !OnlyArrivals(got[2].Arrivals) || OnlyArrivals(nil) {
		t.Error("what is only arrivals is not told apart")
	}
}

// FuzzRead: nothing is read past the end, nothing runs without end, and what the library reads is read alike.
func FuzzRead(f *testing.F) {
	r := twcc.NewRecorder(1)
	for n := range uint16(60) {
		if n%5 != 0 {
			r.Record(5, n, int64(n)*3000)
		}
	}
	raw, err := r.BuildFeedbackPacket()[0].Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0xff, 0xff, 0, 0, 1, 1, 0, 0, 0, 0})
	f.Add([]byte{0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1, 0xff, 0xff, 0xff, 0, 0, 0, 1})
	f.Add([]byte{0x81, 201, 0, 7, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var line Line
		now := time.Unix(1000, 0)
		for n := range uint16(300) {
			line.Sent(n, 1000, now)
		}
		OnlyArrivals(raw)
		Read(raw, func(r Report) {
			switch r.Kind {
			case Transport:
				got := walk(r.Arrivals)
				line.Arrivals(r.Arrivals, now)
				var lib rtcp.TransportLayerCC
				if lib.Unmarshal(r.Arrivals) == nil {
					want := byPion(&lib)
					if len(got) < len(want) {
						t.Fatalf("%d packets, the library %d", len(got), len(want))
					}
					for i := range want {
						if got[i] != want[i] {
							t.Fatalf("packet %d: %+v, the library %+v", i, got[i], want[i])
						}
					}
				}
			case REMB:
				if r.Bitrate < 0 {
					t.Fatalf("REMB of %d", r.Bitrate)
				}
				line.REMB(r.Bitrate, now)
			case Reception:
				if r.Fraction < 0 || r.Fraction > 1 {
					t.Fatalf("lost %v", r.Fraction)
				}
				line.Reception(r.Fraction)
			}
		})
		line.Check(1e6, 1e6, now)
	})
}
