package wire

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	zero := uint16(0)
	for _, c := range []struct {
		body string
		into any
		want any
	}{
		{`{"text":"halo","clientId":"1","later":{"a":1}}`, new(ChatRequest), &ChatRequest{Text: "halo", ClientID: "1"}},
		{` {"sdpOffer":"v=0"} `, new(OfferRequest), &OfferRequest{SDPOffer: "v=0"}},
		{``, new(JoinRequest), &JoinRequest{}},
		{`null`, new(EmptyRequest), &EmptyRequest{}},
		{`{"text":null}`, new(ChatRequest), &ChatRequest{}},
		{`{"endpoint":"viewer","candidate":{"candidate":"","sdpMid":"","sdpMLineIndex":0}}`, new(CandidateRequest),
			&CandidateRequest{Endpoint: "viewer", Candidate: Candidate{SDPMLineIndex: &zero}}},
		{`{"endpoint":"viewer","candidate":{"candidate":"x","sdpMLineIndex":null}}`, new(CandidateRequest),
			&CandidateRequest{Endpoint: "viewer", Candidate: Candidate{Candidate: "x"}}},
	} {
		if err := Decode([]byte(c.body), c.into); err != nil || !reflect.DeepEqual(c.into, c.want) {
			t.Errorf("%s: %+v, %v", c.body, c.into, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		body string
		into any
		want string
	}{
		{`"x"`, new(ChatRequest), "the body must be an object"},
		{`[]`, new(ChatRequest), "the body must be an object"},
		{`5`, new(EmptyRequest), "the body must be an object"},
		{`{"text":`, new(ChatRequest), "the body is not valid JSON"},
		{`{} {}`, new(ChatRequest), "the body is not valid JSON"},
		{`{"text":["rahasia"]}`, new(ChatRequest), "the member text must be text"},
		{`{"locked":"yes"}`, new(LockRequest), "the member locked must be true or false"},
		{`{"seq":"7"}`, new(SeqRequest), "the member seq must be a whole number"},
		{`{"seq":7.5}`, new(SeqRequest), "the member seq must be a whole number"},
		{`{"seq":1e30}`, new(SeqRequest), "the member seq must be a whole number"},
		{`{"seq":0}`, new(SeqRequest), "the member seq must be 1 or more"},
		{`{"lastSeq":-1}`, new(JoinRequest), "the member lastSeq must not be negative"},
		{`{"before":-1}`, new(HistoryRequest), "the member before must not be negative"},
		{`{"limit":-1}`, new(HistoryRequest), "the member limit must not be negative"},
		{`{"kind":"private"}`, new(ChatRequest), "the member to is missing"},
		{`{"kind":"deletion"}`, new(ChatRequest), `the member kind must be "message", "private" or "announcement"`},
		{`{}`, new(OfferRequest), "the member sdpOffer is missing"},
		{`{"endpoint":"both"}`, new(StopRequest), `the member endpoint must be "presenter" or "viewer"`},
		{`{"candidate":{}}`, new(CandidateRequest), `the member endpoint must be "presenter" or "viewer"`},
		{`{"candidate":"x"}`, new(CandidateRequest), "the member candidate must be an object"},
		{`{"candidate":{"sdpMLineIndex":70000}}`, new(CandidateRequest), "the member candidate.sdpMLineIndex must be a whole number from 0 to 65535"},
		{`{"participant":"p","role":"admin"}`, new(RoleRequest), `the member role must be "presenter", "moderator" or "viewer"`},
		{`{"role":"viewer"}`, new(RoleRequest), "the member participant is missing"},
		{`{}`, new(ParticipantRequest), "the member participant is missing"},
		{`{}`, new(HandOverRequest), "the member to is missing"},
		{`{}`, new(FileRequest), "the member id is missing"},
	} {
		err := Decode([]byte(c.body), c.into)
		var field *FieldError
		if !errors.As(err, &field) || err.Error() != c.want {
			t.Errorf("%s: %v; want %s", c.body, err, c.want)
		}
	}
}

// TestNames: what a client may acknowledge is something it may ask, and every
// constant has its struct.
func TestNames(t *testing.T) {
	for name := range Acks {
		if Requests[name] == nil {
			t.Errorf("an acknowledgement of %s, which is no request", name)
		}
	}
	for _, table := range []map[string]func() any{Requests, Acks, Events} {
		for name, f := range table {
			if v := f(); reflect.TypeOf(v).Kind() != reflect.Pointer || name == "" || strings.ToLower(name[:1]) != name[:1] {
				t.Errorf("%q makes %T", name, v)
			}
		}
	}
}

// FuzzDecode: whatever comes, there is a readable struct or a FieldError that
// repeats nothing of a long input, and what was read is read again the same.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{``, `{}`, `null`, `{"text":"x"}`, `{"seq":1e400}`, `{"candidate":{"sdpMLineIndex":-0}}`, `[[`, `{"text":"\ud800"}`, "{\"text\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	names := make([]string, 0, len(Requests))
	for name := range Requests {
		names = append(names, name)
	}
	slices.Sort(names)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, name := range names {
			v := Requests[name]()
			err := Decode(body, v)
			if err != nil {
				var field *FieldError
				if !errors.As(err, &field) || len(err.Error()) > 120 {
					t.Fatalf("%s: %v", name, err)
				}
				continue
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			again := Requests[name]()
			if err := Decode(b, again); err != nil || !reflect.DeepEqual(v, again) {
				t.Fatalf("%s: %+v is written as %s and read as %+v, %v", name, v, b, again, err)
			}
		}
	})
}
