package socket

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/googollee/go-socket.io/engineio/session"
	"github.com/googollee/go-socket.io/parser"

	"kelas/signaling/fault"
)

func TestParsePacket(t *testing.T) {
	for in, want := range map[string]packet{
		`0`:                         {sioConnect, "/", noAck, []byte{}},
		`0{"token":"x"}`:            {sioConnect, "/", noAck, []byte(`{"token":"x"}`)},
		`0/admin,`:                  {sioConnect, "/admin", noAck, []byte{}},
		`0/admin?a=1,2`:             {sioConnect, "/admin", noAck, []byte("2")},
		`0/admin`:                   {sioConnect, "/admin", noAck, nil},
		`2["chat",{}]`:              {sioEvent, "/", noAck, []byte(`["chat",{}]`)},
		`20["chat"]`:                {sioEvent, "/", 0, []byte(`["chat"]`)},
		`2/a,17["chat"]`:            {sioEvent, "/a", 17, []byte(`["chat"]`)},
		`29007199254740991["chat"]`: {sioEvent, "/", maxAckID, []byte(`["chat"]`)},
		`31[]`:                      {sioAck, "/", 1, []byte(`[]`)},
		`41`:                        {sioError, "/", noAck, []byte("1")},
	} {
		got, err := parsePacket([]byte(in))
		if err != nil || got.kind != want.kind || got.namespace != want.namespace || got.ackID != want.ackID || !bytes.Equal(got.data, want.data) {
			t.Errorf("%s: %+v %v", in, got, err)
		}
	}
	for in, want := range map[string]error{
		"":                               errPacket,
		"7":                              errPacket,
		"x":                              errPacket,
		`29007199254740992["chat"]`:      errPacket,
		`299999999999999999999["chat"]`:  errPacket,
		"0/" + strings.Repeat("x", 200):  errPacket,
		`51-["x",{"_placeholder":true}]`: errBinaryIn,
		`59999999999999999-["echo","x"]`: errBinaryIn,
		`61-0[{"_placeholder":true}]`:    errBinaryIn,
		`5`:                              errBinaryIn,
	} {
		if _, err := parsePacket([]byte(in)); !errors.Is(err, want) {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestOutgoing(t *testing.T) {
	for in, want := range map[string][2]string{
		"0":                               {"40", `40{"sid":"abc"}`},
		`2["chat",{"a":1}]` + "\n":        {`42["chat",{"a":1}]`, `42["chat",{"a":1}]`},
		`2["@ack",12,{"ok":true}]` + "\n": {`4312[{"ok":true}]`, `4312[{"ok":true}]`},
		`3[]`:                             {"", ""}, // the library's own acknowledgements have no use here
		"":                                {"", ""},
		"\n":                              {"", ""},
	} {
		for i, rev := range []revision{rev3, rev4} {
			out, bye := rev.outgoing([]byte(in), "abc")
			if string(out) != want[i] || bye != nil {
				t.Errorf("%q, revision %d: %q %v", in, rev, out, bye)
			}
		}
	}
	out, bye := rev4.outgoing([]byte(`2["@close",{"code":1001,"reason":"tooSlow","final":true}]`+"\n"), "")
	if out != nil || bye == nil || *bye != (goodbye{1001, "tooSlow", true}) {
		t.Errorf("goodbye: %q %+v", out, bye)
	}
}

func TestRefused(t *testing.T) {
	f := fault.Of(fault.ErrTokenExpired)
	for rev, want := range map[revision]string{
		rev3: `44{"code":"tokenExpired","message":"` + f.Text + `"}`,
		rev4: `44{"data":{"code":"tokenExpired","message":"` + f.Text + `"},"message":"` + f.Text + `"}`,
	} {
		if got := string(rev.refused("/", f)); got != want {
			t.Errorf("revision %d: %s", rev, got)
		}
	}
	if got := string(rev4.refused("/a", f)); !strings.HasPrefix(got, "44/a,{") {
		t.Errorf("namespace: %s", got)
	}
}

// libraryRead reads a packet as the library does.
type oneFrame struct {
	data []byte
	used bool
}

func (o *oneFrame) NextReader() (session.FrameType, io.ReadCloser, error) {
	if o.used {
		return 0, nil, io.EOF
	}
	o.used = true
	return session.TEXT, eventReader{bytes.NewReader(o.data)}, nil
}

func libraryRead(t *testing.T, data []byte) (event string, body rawJSON, ackID int64) {
	t.Helper()
	d := parser.NewDecoder(&oneFrame{data: data})
	var h parser.Header
	if err := d.DecodeHeader(&h, &event); err != nil {
		t.Fatalf("the library cannot read the header of %q: %v", data, err)
	}
	if h.Type != parser.Event || h.Namespace != "" || h.NeedAck {
		t.Fatalf("the library reads %q as %+v", data, h)
	}
	args, err := d.DecodeArgs([]reflect.Type{reflect.TypeOf(rawJSON("")), reflect.TypeOf(int64(0))})
	if err != nil {
		t.Fatalf("the library cannot read the arguments of %q: %v", data, err)
	}
	return event, args[0].Interface().(rawJSON), args[1].Int()
}

// FuzzIncoming: whatever a client sends, our parser does not panic, and what
// passes it is read by the library as the same event, body and number. It
// includes the packets that panic in the library's parser.
func FuzzIncoming(f *testing.F) {
	for _, s := range []string{
		``, `2["chat",{"text":"x"}]`, `20["chat"]`, `2/a,1["chat",null]`, `0{"a":1}`, `0/a?b=c,{}`, `41`, `31[]`,
		`59999999999999999-["echo","x"]`, `61-1[{"_placeholder":true,"num":0}]`, `2[ "chat" , {"a":[1,2,{"b":"]"}]} , 5 ]`,
		`2["chat","\ud800"]`, `218446744073709551615["chat"]`, `2["a,b]c",1]`, `2["chat",{"_placeholder":true,"num":99}]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePacket(data)
		if err != nil || p.kind != sioEvent {
			return
		}
		if p.ackID < noAck || p.ackID > maxAckID || len(p.namespace) > maxNamespace {
			t.Fatalf("%+v", p)
		}
		name, body, err := parseEvent(p.data)
		if err != nil {
			return
		}
		if !utf8.ValidString(shorten(name)) || len(shorten(name)) > 64 {
			t.Fatalf("shortened to %q", shorten(name))
		}
		event, got, ackID := libraryRead(t, feed("chat", body, p.ackID))
		if event != "chat" || ackID != p.ackID {
			t.Fatalf("%q is read as %s, %d", data, event, ackID)
		}
		if string(body) == "null" {
			body = nil
		}
		if string(got) != string(body) && !sameValue(got, body) {
			t.Fatalf("%q: the body %s is read as %s", data, body, got)
		}
	})
}

func sameValue(a rawJSON, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// FuzzOutgoing: what the library writes becomes one frame that the client's
// side reads as a Socket.IO packet, or nothing.
func FuzzOutgoing(f *testing.F) {
	for _, s := range []string{"0", `2["chat",{}]`, `2["@ack",1,{}]`, `2["@ack",`, `2["@close",{}]`, `2["@close",`, `2["@close",5`, "3[]", "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, rev := range []revision{rev3, rev4} {
			out, bye := rev.outgoing(bytes.Clone(data), "sid")
			if bye != nil && out != nil {
				t.Fatal("both a packet and goodbye")
			}
			if out == nil {
				continue
			}
			if len(out) < 2 || out[0] != eioMessage || (out[1] != sioConnect && out[1] != sioEvent && out[1] != sioAck) {
				t.Fatalf("%q becomes %q", data, out)
			}
		}
	})
}
