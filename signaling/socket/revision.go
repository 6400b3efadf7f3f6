package socket

import (
	"encoding/json"
	"time"

	"kelas/signaling/fault"
)

// revision is the revision of the Engine.IO protocol a client speaks.
type revision int

const (
	rev3 revision = 3 // Socket.IO clients 1.x and 2.x: the client pings
	rev4 revision = 4 // 3.x and 4.x: the server pings; CONNECT is explicit
)

func revisionOf(query string) (revision, bool) {
	switch query {
	case "3":
		return rev3, true
	case "4":
		return rev4, true
	}
	return 0, false
}

// open is the handshake packet. A page that has it is connected to the
// server, not yet to the class.
func (r revision) open(sid string, interval, timeout time.Duration, maxMessage int) []byte {
	h := struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload,omitempty"`
	}{sid, []string{}, interval.Milliseconds(), timeout.Milliseconds(), 0}
	if r == rev4 {
		h.MaxPayload = maxMessage
	}
	return append([]byte{eioOpen}, mustJSON(h)...)
}

// connected answers CONNECT for the root; in revision 3 it goes out unasked.
func (r revision) connected(sid string) []byte {
	out := []byte{eioMessage, sioConnect}
	if r == rev4 {
		out = append(out, mustJSON(struct {
			SID string `json:"sid"`
		}{sid})...)
	}
	return out
}

// refused says why a namespace is not open to the client: 2.x emits "error"
// with {code, message}, 4.x "connect_error" with these as its data.
func (r revision) refused(namespace string, f fault.Fault) []byte {
	out := []byte{eioMessage, sioError}
	if namespace != "/" {
		out = append(out, namespace...)
		out = append(out, ',')
	}
	data := map[string]any{"code": f.Code, "message": f.Text}
	if r == rev4 {
		data = map[string]any{"message": f.Text, "data": data}
	}
	return append(out, mustJSON(data)...)
}

// failed answers one request: by its acknowledgement when one was asked for,
// else by an error event.
func failed(event string, ackID int64, f fault.Fault) []byte {
	name, body := failure(event, ackID, f)
	if name == "" {
		out := append([]byte{eioMessage, sioAck}, mustJSON(ackID)...)
		out = append(out, '[')
		out = append(out, body...)
		return append(out, ']')
	}
	out := append([]byte{eioMessage, sioEvent, '[', '"'}, name...)
	out = append(out, '"', ',')
	out = append(out, body...)
	return append(out, ']')
}

var disconnectPacket = []byte{eioMessage, sioDisconnect}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only for types of this package, which all can
	}
	return b
}
