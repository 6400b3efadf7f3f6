package socket

import (
	"fmt"
	"testing"
	"time"
)

func TestAddressKey(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7/32",
		"::ffff:192.0.2.7":     "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::9":      "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
		"unix":                 "invalid Prefix",
		"":                     "invalid Prefix",
	} {
		if got := keyOf(addr).String(); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
}

// TestAddressRate: as many as half a minute's at once, then by the clock;
// refusals in words have a rate too; who has been quiet is forgotten.
func TestAddressRate(t *testing.T) {
	a := newAddresses(1000, 60)
	now := time.Unix(1_000_000, 0)
	count := func(n int) (got [4]int) {
		for range n {
			v, release := a.begin("192.0.2.1", now)
			got[v]++
			if release != nil {
				release()
			}
		}
		return got
	}
	if got := count(70); got != [4]int{welcome: 30, tooFast: 30, unbearable: 10} {
		t.Errorf("at once: %v", got)
	}
	now = now.Add(5 * time.Second)
	if got := count(12); got != [4]int{welcome: 5, tooFast: 5, unbearable: 2} {
		t.Errorf("after five seconds: %v", got)
	}
	if v, _ := a.begin("192.0.2.2", now); v != welcome {
		t.Errorf("somebody else: %v", v)
	}
	_, release := a.begin("192.0.2.3", now)
	release()
	now = now.Add(2 * time.Minute)
	if _, release = a.begin("192.0.2.4", now); len(a.known) != 2 { // .2 is connected, .4 has come
		t.Errorf("remembered: %v", a.known)
	}
	release()
}

// TestAddressFlood: many strangers do not take memory without end.
func TestAddressFlood(t *testing.T) {
	a := newAddresses(10, 60)
	now := time.Unix(1_000_000, 0)
	for i := range maxAddresses + 1000 {
		a.begin(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff), now)
	}
	if n := len(a.known); n > maxAddresses+1 {
		t.Errorf("%d are remembered", n)
	}
}
