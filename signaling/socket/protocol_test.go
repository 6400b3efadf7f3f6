package socket

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kelas/classroom"
	"kelas/signaling/fault"
	"kelas/signaling/wire"
)

// example is one JSON block of PROTOCOL.md: ```json KIND NAME.
type example struct{ kind, name, json string }

func document(t *testing.T) (string, []example) {
	t.Helper()
	b, err := os.ReadFile("../PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []example
	for _, m := range regexp.MustCompile("(?s)```json (handshake|client|server|ack) ?(\\w*)\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		list = append(list, example{m[1], m[2], m[3]})
	}
	if n := strings.Count(string(b), "```json"); n != len(list) {
		t.Errorf("%d JSON blocks, of which %d say what they are", n, len(list))
	}
	return string(b), list
}

// structFor returns an empty struct for an example.
func (e example) structFor() any {
	var from map[string]func() any
	switch e.kind {
	case "handshake":
		return new(wire.Handshake)
	case "client":
		from = wire.Requests
	case "server":
		from = wire.Events
	case "ack":
		if _, ok := wire.Requests[e.name]; ok && wire.Acks[e.name] == nil {
			return new(wire.Ack)
		}
		from = wire.Acks
	}
	if f := from[e.name]; f != nil {
		return f()
	}
	return nil
}

// TestProtocolExamples: each example is what the code reads and writes, to
// the last member, and the code has no message or member without an example.
func TestProtocolExamples(t *testing.T) {
	_, examples := document(t)
	had := map[string]bool{}
	members := map[string]bool{}
	for _, e := range examples {
		what := e.kind + " " + e.name
		v := e.structFor()
		if v == nil {
			t.Errorf("%s is in the document and not in the code", what)
			continue
		}
		had[what] = true
		d := json.NewDecoder(strings.NewReader(e.json))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if e.kind == "client" {
			if err := wire.Decode([]byte(e.json), e.structFor()); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		sameJSON(t, what, e.json, v)
		var raw any
		if err := json.Unmarshal([]byte(e.json), &raw); err != nil {
			t.Fatal(err)
		}
		mark(members, raw, reflect.TypeOf(v))
	}
	for kind, table := range map[string]map[string]func() any{"client": wire.Requests, "server": wire.Events, "ack": wire.Acks} {
		for name, f := range table {
			if !had[kind+" "+name] {
				t.Errorf("%s %s is in the code and has no example", kind, name)
			}
			for _, m := range allMembers(reflect.TypeOf(f())) {
				if !members[m] {
					t.Errorf("the member %s is in no example", m)
				}
			}
		}
	}
}

// sameJSON: what was read is written again as it was, but for members that
// are left out when empty.
func sameJSON(t *testing.T, what, text string, v any) {
	t.Helper()
	var want, got any
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if json.Unmarshal([]byte(text), &want) != nil || json.Unmarshal(b, &got) != nil {
		t.Fatal("not JSON")
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s: the example\n%s\nis written as\n%s", what, text, b)
	}
}

func elem(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

func fields(t reflect.Type) (list []reflect.StructField) {
	for _, f := range reflect.VisibleFields(t) {
		if !f.Anonymous {
			list = append(list, f)
		}
	}
	return list
}

func memberName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// mark notes which members of which structs an example shows.
func mark(seen map[string]bool, v any, t reflect.Type) {
	t = elem(t)
	if list, ok := v.([]any); ok {
		for _, v := range list {
			mark(seen, v, t)
		}
		return
	}
	object, ok := v.(map[string]any)
	if !ok || t.Kind() != reflect.Struct {
		return
	}
	for _, f := range fields(t) {
		if value, ok := object[memberName(f)]; ok {
			seen[t.Name()+"."+memberName(f)] = true
			mark(seen, value, f.Type)
		}
	}
}

func allMembers(t reflect.Type) (names []string) {
	t = elem(t)
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range fields(t) {
		if t.Name() != "Ack" && memberName(f) == "error" {
			continue // every acknowledgement's; shown once
		}
		names = append(names, t.Name()+"."+memberName(f))
		names = append(names, allMembers(f.Type)...)
	}
	return names
}

// TestProtocolHandlers: what is in wire is what the server listens to.
func TestProtocolHandlers(t *testing.T) {
	want := slices.Sorted(maps.Keys(wire.Requests))
	if got := eventNames(); !slices.Equal(got, want) {
		t.Errorf("handlers for %v, requests in wire %v", got, want)
	}
}

// TestProtocolHeadings: a heading in backticks names messages, all of which
// have an example in its section.
func TestProtocolHeadings(t *testing.T) {
	text, _ := document(t)
	for _, section := range regexp.MustCompile(`(?m)^##+ `).Split(text, -1) {
		heading, body, _ := strings.Cut(section, "\n")
		for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(heading, -1) {
			if !regexp.MustCompile("```json (client|server) " + name[1] + "\n").MatchString(body) {
				t.Errorf("%q has no example of %s", heading, name[1])
			}
		}
	}
}

// TestProtocolFaults: the table of codes is the code's.
func TestProtocolFaults(t *testing.T) {
	text, _ := document(t)
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (.*) \\| (\\d+) \\| (yes)? ?\\|$").FindAllStringSubmatch(text, -1) {
		got = append(got, fmt.Sprintf("%s: %s (%s, again %q)", m[1], m[2], m[3], m[4]))
	}
	var want []string
	for _, f := range fault.All() {
		again := ""
		if f.Retry {
			again = "yes"
		}
		want = append(want, fmt.Sprintf("%s: %s (%d, again %q)", f.Code, f.Text, f.Status, again))
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("not in the document: %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("not in the code: %s", g)
		}
	}
}

// TestEveryEventIsSent: each event of the classroom has its message, found by
// reading the classroom's source, so that a new one cannot be forgotten.
func TestEveryEventIsSent(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../classroom/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]classroom.Event{}
	for _, e := range everyEvent {
		known[reflect.TypeOf(e).Name()] = e
	}
	events := 0
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "event" {
			continue
		}
		events++
		name := f.Recv.List[0].Type.(*ast.Ident).Name
		e, ok := known[name]
		if !ok {
			t.Errorf("classroom.%s is new here", name)
			continue
		}
		message, body := new(shelf).encode(e, "nobody")
		if wire.Events[message] == nil {
			t.Errorf("classroom.%s is sent as %q, which wire does not know", name, message)
			continue
		}
		d := json.NewDecoder(bytes.NewReader([]byte(body)))
		d.DisallowUnknownFields()
		if err := d.Decode(wire.Events[message]()); err != nil {
			t.Errorf("classroom.%s: %v in %s", name, err, body)
		}
		if strings.Contains(string(body), "null") {
			t.Errorf("classroom.%s: null in %s", name, body)
		}
	}
	if events < 15 {
		t.Fatalf("found only %d events", events)
	}
}

var everyEvent = []classroom.Event{
	classroom.ParticipantJoined{}, classroom.ParticipantChanged{}, classroom.ParticipantLeft{},
	classroom.ClassChanged{}, classroom.SlotsChanged{}, classroom.SlotUnplayable{}, classroom.LayerChanged{}, classroom.LayersWanted{}, classroom.StopCommunication{},
	classroom.ChatAdded{}, classroom.ChatStored{}, classroom.ChatDelayed{}, classroom.ChatFailed{},
	classroom.FileAdded{}, classroom.FileRemoved{}, classroom.IceCandidateFound{}, classroom.MediaState{},
	classroom.RoleChanged{}, classroom.HandOverOffered{}, classroom.ServerClosing{},
}
