package socket

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// Engine.IO packet types, the first byte of each text frame; the same in
// revisions 3 and 4 of that protocol.
const (
	eioOpen    = '0'
	eioClose   = '1'
	eioPing    = '2'
	eioPong    = '3'
	eioMessage = '4'
	eioUpgrade = '5'
	eioNoop    = '6'
	eioBase64  = 'b' // binary written as text
)

// Socket.IO packet types, the second byte of a message.
const (
	sioConnect     = '0'
	sioDisconnect  = '1'
	sioEvent       = '2'
	sioAck         = '3'
	sioError       = '4' // 4.x calls it CONNECT_ERROR
	sioBinaryEvent = '5'
	sioBinaryAck   = '6'
)

const (
	maxNamespace = 128
	// Acknowledgement ids are counted by the client from 0; 2^53 is where
	// its numbers end.
	maxAckID = 1<<53 - 1
	noAck    = int64(-1)
)

var (
	errPacket   = errors.New("not a Socket.IO packet")
	errBinaryIn = errors.New("binary packet")
)

// packet is a Socket.IO packet of a client. The parts point into the frame.
type packet struct {
	kind      byte
	namespace string // "/" is the root
	ackID     int64  // noAck when none is asked for
	data      []byte // JSON, or empty
}

// parsePacket reads what follows the Engine.IO type byte:
// type, [namespace,] [ack id] [JSON]. It is ours because the library's own
// parser can be made to panic with a count of attachments; nothing reaches
// that one which has not passed here.
func parsePacket(b []byte) (packet, error) {
	p := packet{namespace: "/", ackID: noAck}
	if len(b) == 0 {
		return p, errPacket
	}
	p.kind, b = b[0], b[1:]
	switch p.kind {
	case sioBinaryEvent, sioBinaryAck:
		return p, errBinaryIn
	case sioConnect, sioDisconnect, sioEvent, sioAck, sioError:
	default:
		return p, errPacket
	}
	if len(b) > 0 && b[0] == '/' {
		name, rest, _ := bytes.Cut(b, []byte{','})
		name, _, _ = bytes.Cut(name, []byte{'?'}) // 2.x puts a query there
		if len(name) > maxNamespace {
			return p, errPacket
		}
		p.namespace, b = string(name), rest
	}
	digits := 0
	for digits < len(b) && '0' <= b[digits] && b[digits] <= '9' {
		digits++
	}
	// An error packet's data, and a connect's, may be a bare number; ids are
	// for events and acknowledgements alone.
	if digits > 0 && (p.kind == sioEvent || p.kind == sioAck) {
		id, err := strconv.ParseInt(string(b[:digits]), 10, 64)
		if err != nil || id > maxAckID {
			return p, errPacket
		}
		p.ackID, b = id, b[digits:]
	}
	p.data = b
	return p, nil
}

// parseEvent reads the data of an event: a name and its first argument;
// further ones are not used here.
func parseEvent(data []byte) (name string, body json.RawMessage, err error) {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil || len(list) == 0 {
		return "", nil, errors.New("must be a list with the event's name first")
	}
	if list[0][0] != '"' {
		return "", nil, errors.New("must begin with the event's name, which is text")
	}
	if err := json.Unmarshal(list[0], &name); err != nil {
		return "", nil, errors.New("must begin with the event's name, which is text")
	}
	if len(list) > 1 {
		body = list[1]
	}
	return name, body, nil
}

// The library can acknowledge only when a handler returns and can close only
// out of turn, so acknowledgement ids go in as an argument and come out as an
// event, and so does the end of a connection. No client sees these names:
// conn translates them, and takes only known events in.
const (
	pseudoAck   = "@ack"
	pseudoClose = "@close"
)

// feed is an event as the library is given it: the name, the body, and the
// acknowledgement id as a second argument.
func feed(name string, body json.RawMessage, ackID int64) []byte {
	if len(body) == 0 {
		body = json.RawMessage("null")
	}
	b := make([]byte, 0, len(name)+len(body)+32)
	b = append(b, sioEvent, '[', '"')
	b = append(b, name...) // a name of our table, nothing to escape
	b = append(b, '"', ',')
	b = append(b, body...)
	b = append(b, ',')
	b = strconv.AppendInt(b, ackID, 10)
	return append(b, ']')
}

var (
	ackPrefix   = []byte(`2["` + pseudoAck + `",`)
	closePrefix = []byte(`2["` + pseudoClose + `",`)
)

// goodbye is the argument of pseudoClose.
type goodbye struct {
	Code   int    `json:"code"`   // RFC 6455 section 7.4
	Reason string `json:"reason"` // a fault's code
	// Final asks official clients not to come back by themselves: a
	// DISCONNECT packet goes before.
	Final bool `json:"final"`
}

// outgoing translates what the library writes into what the client reads,
// with the Engine.IO type byte before it. A nil slice means that nothing is
// to be sent; bye is there when the connection is to end.
func (r revision) outgoing(p []byte, sid string) (out []byte, bye *goodbye) {
	p = bytes.TrimRight(p, "\n") // json.Encoder ends with one
	if len(p) == 0 {
		return nil, nil
	}
	switch {
	case p[0] == sioConnect:
		return r.connected(sid), nil
	case bytes.HasPrefix(p, ackPrefix):
		id, body, ok := bytes.Cut(p[len(ackPrefix):], []byte{','})
		if !ok {
			return nil, nil
		}
		out = make([]byte, 0, len(id)+len(body)+4)
		out = append(out, eioMessage, sioAck)
		out = append(out, id...)
		out = append(out, '[')
		return append(out, body...), nil // body still ends with the list's bracket
	case bytes.HasPrefix(p, closePrefix):
		bye = new(goodbye)
		if err := json.Unmarshal(bytes.TrimSuffix(p[len(closePrefix):], []byte{']'}), bye); err != nil {
			bye = &goodbye{Code: closeInternal}
		}
		return nil, bye
	case p[0] == sioEvent:
		return append([]byte{eioMessage}, p...), nil
	}
	return nil, nil
}
