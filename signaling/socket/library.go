package socket

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	socketio "github.com/googollee/go-socket.io"
	"github.com/googollee/go-socket.io/engineio"
	"github.com/googollee/go-socket.io/engineio/frame"
	eiopacket "github.com/googollee/go-socket.io/engineio/packet"
	"github.com/googollee/go-socket.io/engineio/transport"
)

// library is the one googollee server, fed by a transport of ours: this file
// is the only one that knows it.
type library struct {
	server *socketio.Server
	served chan struct{} // closed when its accept loop has ended
	live   sync.WaitGroup
}

func newLibrary(h hub, events []string) *library {
	l := &library{
		server: socketio.NewServer(&engineio.Options{
			Transports:         []transport.Transport{handedOver{}},
			SessionIDGenerator: randomIDs{},
		}),
		served: make(chan struct{}),
	}
	l.server.OnConnect("/", func(sc socketio.Conn) error {
		t := transportOf(sc)
		c, err := h.connected(&libraryLink{socket: sc, conn: t.conn})
		if err == nil {
			t.client.Store(c)
		}
		return err
	})
	l.server.OnDisconnect("/", func(sc socketio.Conn, _ string) {
		defer l.live.Done()
		if c := transportOf(sc).client.Load(); c != nil {
			h.disconnected(c)
		}
	})
	for _, event := range events {
		l.server.OnEvent("/", event, func(sc socketio.Conn, body rawJSON, ackID int64) {
			if c := transportOf(sc).client.Load(); c != nil {
				h.received(c, event, []byte(body), ackID)
			}
		})
	}
	go func() {
		defer close(l.served)
		_ = l.server.Serve() // io.EOF after Close
	}()
	return l
}

// serve hands an admitted connection to the library, which reads it until
// its end. It returns at once.
func (l *library) serve(c *conn, w http.ResponseWriter, r *http.Request) {
	l.live.Add(1)
	ctx := context.WithValue(r.Context(), connKey{}, &transportConn{conn: c})
	l.server.ServeHTTP(w, r.WithContext(ctx))
}

// close waits until every connection that was handed over has ended, for
// which somebody else must see, and stops the library. Closing it while a
// connection is on its way in would make it send on a closed channel.
func (l *library) close() {
	l.live.Wait()
	_ = l.server.Close() // always nil
	<-l.served
}

type connKey struct{}

// handedOver is a transport whose connections are made, limited and admitted
// before the library hears of them.
type handedOver struct{}

func (handedOver) Name() string { return "websocket" }

func (handedOver) Accept(_ http.ResponseWriter, r *http.Request) (transport.Conn, error) {
	c, ok := r.Context().Value(connKey{}).(*transportConn)
	if !ok {
		return nil, errors.New("socket: the library was reached without a handshake")
	}
	return c, nil
}

func (handedOver) Dial(*url.URL, http.Header) (transport.Conn, error) {
	return nil, errors.New("socket: this transport is for servers")
}

// transportConn shows a conn to the library.
type transportConn struct {
	*conn
	client atomic.Pointer[client]
}

// peer is how a handler finds its connection: of all that the library passes
// on, the remote address alone is ours and is set before anything runs.
type peer struct {
	net.Addr
	of *transportConn
}

func transportOf(c socketio.Conn) *transportConn { return c.RemoteAddr().(peer).of }

func (t *transportConn) RemoteAddr() net.Addr      { return peer{t.ws.RemoteAddr(), t} }
func (t *transportConn) LocalAddr() net.Addr       { return t.ws.LocalAddr() }
func (t *transportConn) URL() url.URL              { return *t.request.URL }
func (t *transportConn) RemoteHeader() http.Header { return t.request.Header }

// The library sets both deadlines once and then only on a client's ping; conn
// has its own for every frame.
func (t *transportConn) SetReadDeadline(time.Time) error  { return nil }
func (t *transportConn) SetWriteDeadline(time.Time) error { return nil }

// Close is the library's wish to end the connection.
func (t *transportConn) Close() error {
	t.shut(goodbye{Code: closeNormal})
	return nil
}

// NextReader gives the library events and nothing else.
func (t *transportConn) NextReader() (frame.Type, eiopacket.Type, io.ReadCloser, error) {
	event, err := t.next()
	if err != nil {
		return 0, 0, nil, err
	}
	return frame.String, eiopacket.MESSAGE, eventReader{bytes.NewReader(event)}, nil
}

// eventReader has ReadByte too, which spares the library a buffer.
type eventReader struct{ *bytes.Reader }

func (eventReader) Close() error { return nil }

// NextWriter takes one packet. The handshake (OPEN) was answered before the
// library came in, so that one goes nowhere.
func (t *transportConn) NextWriter(_ frame.Type, kind eiopacket.Type) (io.WriteCloser, error) {
	return &packetWriter{to: t.conn, drop: kind != eiopacket.MESSAGE}, nil
}

type packetWriter struct {
	bytes.Buffer
	to   *conn
	drop bool
}

func (w *packetWriter) Close() error {
	if w.drop {
		return nil
	}
	return w.to.put(w.Bytes())
}

// libraryLink is a link through the library.
type libraryLink struct {
	socket socketio.Conn
	conn   *conn
}

func (l *libraryLink) ID() string { return l.conn.id }

func (l *libraryLink) Auth() visitor { return l.conn.visitor }

func (l *libraryLink) Emit(event string, body rawJSON) { l.socket.Emit(event, body) }

func (l *libraryLink) Ack(id int64, body rawJSON) { l.socket.Emit(pseudoAck, id, body) }

func (l *libraryLink) Close(g goodbye) {
	b, err := json.Marshal(g)
	if err != nil {
		l.Abort()
		return
	}
	l.socket.Emit(pseudoClose, rawJSON(b))
}

func (l *libraryLink) Abort() { l.conn.abort() }

// randomIDs replaces the library's 1, 2, 3.
type randomIDs struct{}

func (randomIDs) NewID() string { return randomID() }

func randomID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return base64.RawURLEncoding.EncodeToString(b[:])
}
