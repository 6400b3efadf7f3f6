package pipeline

import (
	"slices"
	"testing"
	"time"
)

func TestMissing(t *testing.T) {
	type packet struct {
		seq uint16
		at  int // ms
		due []uint16
	}
	for name, packets := range map[string][]packet{
		"nothing missing":  {{1, 0, nil}, {2, 5, nil}, {3, 9, nil}},
		"a late one":       {{1, 0, nil}, {3, 1, nil}, {2, 2, nil}, {4, 50, nil}},
		"overtaken by 4":   {{1, 0, nil}, {3, 1, nil}, {4, 1, nil}, {5, 1, nil}, {6, 1, []uint16{2}}, {7, 2, nil}},
		"after 10 ms":      {{1, 0, nil}, {3, 1, nil}, {4, 12, []uint16{2}}},
		"again":            {{1, 0, nil}, {3, 1, nil}, {4, 12, []uint16{2}}, {5, 40, nil}, {6, 75, []uint16{2}}, {2, 80, nil}, {7, 200, nil}},
		"given up in time": {{1, 0, nil}, {3, 1, nil}, {4, 12, []uint16{2}}, {5, 1500, nil}, {6, 1600, nil}},
		"around the end":   {{65534, 0, nil}, {1, 1, nil}, {2, 12, []uint16{65535, 0}}},
		"a new beginning":  {{1, 0, nil}, {3, 1, nil}, {5000, 12, nil}, {5001, 30, nil}},
		"a repeat":         {{1, 0, nil}, {1, 1, nil}, {2, 20, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			var m missing
			var due []uint16
			start := time.Unix(1000, 0)
			for _, p := range packets {
				due = m.see(p.seq, start.Add(time.Duration(p.at)*time.Millisecond), due)
				if !slices.Equal(due, p.due) {
					t.Fatalf("packet %d at %d ms: asks for %v, want %v", p.seq, p.at, due, p.due)
				}
			}
		})
	}
}

func TestMissingIsBounded(t *testing.T) {
	var m missing
	now := time.Unix(1000, 0)
	var due []uint16
	asked := 0
	for i := range 2000 {
		now = now.Add(time.Millisecond)
		due = m.see(uint16(i*200), now, due)
		asked += len(due)
		if len(m.open) > nackMaxOpen {
			t.Fatalf("%d gaps are remembered", len(m.open))
		}
	}
	if asked == 0 {
		t.Error("nothing was asked for")
	}
	if n := testing.AllocsPerRun(100, func() {
		now = now.Add(time.Millisecond)
		due = m.see(m.highest+2, now, due)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
