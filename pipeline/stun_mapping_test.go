package pipeline

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"
)

var stunServer = netip.MustParseAddrPort("198.51.100.1:3478")

// asked is a mapper whose requests the test answers, or not.
type asked struct {
	*mapper
	began time.Time
	at    []time.Duration
	last  *stun.Message
	then  func(p []byte)
}

func newAsked() *asked {
	a := &asked{began: time.Now()}
	a.mapper = newMapper(func(p []byte, to netip.AddrPort) error {
		if to != stunServer {
			return errors.New("another server is asked")
		}
		a.at = append(a.at, time.Since(a.began))
		a.last = &stun.Message{Raw: bytes.Clone(p)}
		if err := a.last.Decode(); err != nil {
			return err
		}
		if a.then != nil {
			a.then(p)
		}
		return nil
	}, time.Now)
	return a
}

// says is an answer to the last request.
func (a *asked) says(t testing.TB, setters ...stun.Setter) []byte {
	t.Helper()
	m, err := stun.Build(append([]stun.Setter{a.last}, setters...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

var seen = &stun.XORMappedAddress{IP: []byte{203, 0, 113, 9}, Port: 4711}

// TestSTUNRepeats: the times are those of RFC 8489, section 6.2.1, cut short.
func TestSTUNRepeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsked()
		_, err := a.mapped(t.Context(), stunServer)
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond}
		if took := time.Since(a.began); !errors.Is(err, errSTUNSilent) || !slices.Equal(a.at, want) || took != 5500*time.Millisecond {
			t.Errorf("sent at %v, given up after %v: %v", a.at, took, err)
		}
		if len(a.asked) != 0 || a.open.Load() != 0 {
			t.Error("the question is kept")
		}
	})
}

// TestSTUNAnswers: which packets are answers, and what they come to.
func TestSTUNAnswers(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		from  string
		build func(a *asked) []byte
		taken bool
		err   string // "": the address
	}{
		"answer":     {"198.51.100.1:3478", func(a *asked) []byte { return a.says(t, stun.BindingSuccess, seen) }, true, ""},
		"as IPv6":    {"[::ffff:198.51.100.1]:3478", func(a *asked) []byte { return a.says(t, stun.BindingSuccess, seen) }, true, ""},
		"a refusal":  {"198.51.100.1:3478", func(a *asked) []byte { return a.says(t, stun.BindingError, stun.CodeBadRequest) }, true, "error 400"},
		"a stranger": {"198.51.100.2:3478", func(a *asked) []byte { return a.says(t, stun.BindingSuccess, seen) }, false, "not answer"},
		"another's": {"198.51.100.1:3478", func(a *asked) []byte {
			m, _ := stun.Build(stun.TransactionID, stun.BindingSuccess, seen)
			return m.Raw
		}, false, "not answer"},
		"the request": {"198.51.100.1:3478", func(a *asked) []byte { return a.last.Raw }, false, "not answer"},
		"no address":  {"198.51.100.1:3478", func(a *asked) []byte { return a.says(t, stun.BindingSuccess) }, false, "not answer"},
		"another method": {"198.51.100.1:3478", func(a *asked) []byte {
			return a.says(t, stun.NewType(stun.MethodAllocate, stun.ClassSuccessResponse), seen)
		}, false, "not answer"},
		"nowhere": {"198.51.100.1:3478", func(a *asked) []byte {
			return a.says(t, stun.BindingSuccess, &stun.XORMappedAddress{IP: []byte{0, 0, 0, 0}, Port: 1})
		}, false, "not answer"},
		"half": {"198.51.100.1:3478", func(a *asked) []byte { return a.says(t, stun.BindingSuccess, seen)[:24] }, false, "not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAsked()
				taken := false
				a.then = func([]byte) {
					a.then = nil
					taken = a.takes(x.build(a), netip.MustParseAddrPort(x.from))
				}
				got, err := a.mapped(t.Context(), stunServer)
				if taken != x.taken {
					t.Errorf("taken: %v", taken)
				}
				if x.err == "" && (err != nil || got.String() != "203.0.113.9:4711") || x.err != "" && (err == nil || !strings.Contains(err.Error(), x.err)) {
					t.Errorf("%v, %v", got, err)
				}
			})
		})
	}
}

// TestSTUNMemory: an answer is good for a while, a refusal is not, and an
// endpoint's end ends its question.
func TestSTUNMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsked()
		answer := func([]byte) { a.takes(a.says(t, stun.BindingSuccess, seen), stunServer) }
		a.then = func([]byte) { a.takes(a.says(t, stun.BindingError, stun.CodeServerError), stunServer) }
		if _, err := a.mapped(t.Context(), stunServer); err == nil {
			t.Error("a refusal is taken for an address")
		}
		a.then = answer
		for _, later := range []struct {
			wait     time.Duration
			requests int
		}{{0, 2}, {mappingTTL - 1, 2}, {1, 3}} {
			time.Sleep(later.wait) // of the bubble
			if _, err := a.mapped(t.Context(), stunServer); err != nil || len(a.at) != later.requests {
				t.Errorf("%d requests, %v", len(a.at), err)
			}
		}
		time.Sleep(mappingTTL)
		a.then = nil
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.mapped(ctx, stunServer); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestSTUNQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsked()
		for i := range maxQuestions {
			if err := a.begin(transactionID{byte(i), byte(i >> 8)}, &question{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.mapped(t.Context(), stunServer); !errors.Is(err, errTooManyQuestions) {
			t.Errorf("error %v", err)
		}
	})
}

// TestMediaPassesTheMapper: what browsers send costs no allocation, also while a
// server is being asked.
func TestMediaPassesTheMapper(t *testing.T) {
	a := newAsked()
	if err := a.begin(transactionID{1}, &question{server: stunServer, answer: make(chan stunAnswer, 1)}); err != nil {
		t.Fatal(err)
	}
	media := append([]byte{0x80, 96}, make([]byte, 1200)...)
	check, _ := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername("a:b"))
	ices, _ := stun.Build(stun.TransactionID, stun.BindingSuccess, seen)
	if n := testing.AllocsPerRun(100, func() {
		for _, p := range [][]byte{media, check.Raw, ices.Raw, nil} {
			if a.takes(p, stunServer) {
				t.Error("a packet of others is taken")
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzSTUNAnswer(f *testing.F) {
	a := newAsked()
	a.last, _ = stun.Build(stun.TransactionID, stun.BindingRequest)
	for _, p := range [][]byte{
		a.says(f, stun.BindingSuccess, seen), a.says(f, stun.BindingError, stun.CodeBadRequest), a.last.Raw, {1, 1},
	} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		before := bytes.Clone(p)
		x, ok := readSTUNAnswer(p)
		if ok && x.err == nil && !reachable(x.mapped) {
			t.Errorf("the address %v", x.mapped)
		}
		if !bytes.Equal(p, before) {
			t.Error("the packet was changed")
		}
	})
}
