package socket

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// verdict on a request to connect.
type verdict int

const (
	welcome    verdict = iota
	tooMany            // connections; told in words
	tooFast            // joins; told in words
	unbearable         // so fast that words cost too much: HTTP 429
)

// addresses counts connections by address, so that one machine cannot take
// the places of all others.
type addresses struct {
	perAddress int // connections
	perMinute  int // joins

	mu    sync.Mutex
	known map[netip.Prefix]*address
	swept time.Time
}

type address struct {
	open  int
	joins *rate.Limiter
	words *rate.Limiter // refusals in words
}

const (
	sweepEvery = time.Minute
	// maxAddresses bounds the memory that a flood from many addresses may
	// take; beyond it strangers share one entry.
	maxAddresses = 100_000
)

func newAddresses(perAddress, perMinute int) *addresses {
	return &addresses{perAddress: perAddress, perMinute: perMinute, known: map[netip.Prefix]*address{}}
}

// keyOf is the address itself, or for IPv6 its /64, which is one customer's
// (RFC 6177). Text that is no address shares one entry.
func keyOf(addr string) netip.Prefix {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return netip.Prefix{}
	}
	ip = ip.Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// begin counts a connection that is welcome, until release.
func (a *addresses) begin(addr string, now time.Time) (v verdict, release func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.entryLocked(keyOf(addr), now)
	if !e.joins.AllowN(now, 1) {
		if !e.words.AllowN(now, 1) {
			return unbearable, nil
		}
		return tooFast, nil
	}
	if e.open >= a.perAddress {
		return tooMany, nil
	}
	e.open++
	return welcome, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		e.open--
	}
}

func (a *addresses) entryLocked(key netip.Prefix, now time.Time) *address {
	if now.Sub(a.swept) >= sweepEvery {
		a.swept = now
		for k, e := range a.known {
			if e.open == 0 && e.joins.TokensAt(now) >= float64(e.joins.Burst()) {
				delete(a.known, k)
			}
		}
	}
	if e := a.known[key]; e != nil {
		return e
	}
	if len(a.known) >= maxAddresses {
		key = netip.Prefix{}
		if e := a.known[key]; e != nil {
			return e
		}
	}
	limit := func() *rate.Limiter {
		return rate.NewLimiter(rate.Limit(float64(a.perMinute)/60), max(1, a.perMinute/2))
	}
	e := &address{joins: limit(), words: limit()}
	a.known[key] = e
	return e
}
