package pipeline

import (
	"strings"
	"testing"

	"github.com/pion/stun/v4"
)

// lifetime is the attribute of RFC 8656, section 18.2.
type lifetime uint32

func (l lifetime) AddTo(m *stun.Message) error {
	m.Add(stun.AttrLifetime, []byte{byte(l >> 24), byte(l >> 16), byte(l >> 8), byte(l)})
	return nil
}

// TestAllocationAnswers: a server that grants no time would be asked to renew it
// all the time, and what it says is kept for the error.
func TestAllocationAnswers(t *testing.T) {
	t.Parallel()
	granted, refused := stun.NewType(stun.MethodAllocate, stun.ClassSuccessResponse), stun.NewType(stun.MethodAllocate, stun.ClassErrorResponse)
	for name, x := range map[string]struct {
		answer []stun.Setter
		use    bool
		why    string
	}{
		"good":       {[]stun.Setter{granted, lifetime(600), seen}, true, "it does not answer"},
		"long":       {[]stun.Setter{granted, lifetime(1 << 31)}, true, "it does not answer"},
		"no time":    {[]stun.Setter{granted, lifetime(0), seen}, false, "it grants no time"},
		"short":      {[]stun.Setter{granted, lifetime(minLifetime - 1)}, false, "it grants no time"},
		"unsaid":     {[]stun.Setter{granted, seen}, false, "it grants no time"},
		"refusal":    {[]stun.Setter{refused, stun.CodeUnauthorized}, true, "it refuses with error 401"},
		"no reason":  {[]stun.Setter{refused}, true, "it does not answer"},
		"of a check": {[]stun.Setter{stun.BindingSuccess, seen}, true, "it does not answer"},
	} {
		r := &allocation{}
		m, err := stun.Build(append([]stun.Setter{stun.TransactionID}, x.answer...)...)
		if err != nil {
			t.Fatal(err)
		}
		if use := r.note(m.Raw); use != x.use || r.why() != x.why {
			t.Errorf("%s: of use %v, %s", name, use, r.why())
		}
		if r.mapped.IsValid() != (name == "good") {
			t.Errorf("%s: mapped %v", name, r.mapped)
		}
		if len(m.Raw) > 20 && strings.HasPrefix(name, "good") && r.note(m.Raw[:len(m.Raw)-3]) {
			t.Errorf("%s: half of it is of use", name)
		}
	}
}

// FuzzAllocationAnswer: whatever a TURN server sends, it is of use or not.
func FuzzAllocationAnswer(f *testing.F) {
	m, _ := stun.Build(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassSuccessResponse), lifetime(600), seen)
	f.Add(m.Raw)
	f.Add([]byte{1, 0x13})
	f.Fuzz(func(t *testing.T, p []byte) {
		r := &allocation{}
		if r.note(p); len(r.why()) > 40 {
			t.Errorf("a server's own words: %q", r.why())
		}
	})
}
