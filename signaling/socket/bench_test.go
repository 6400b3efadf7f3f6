package socket

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
)

// BenchmarkRoom is one chat message from its sender to 100 clients over real
// websockets, both sides in this process.
func BenchmarkRoom(b *testing.B) {
	const people = 100
	r := newRig(b, rigOptions{})
	var got sync.WaitGroup
	var all []*websocket.Conn
	for i := range people {
		q := url.Values{"EIO": {"3"}, "transport": {"websocket"}, "class": {r.classID}, "token": {fmt.Sprintf("viewer:p%d", i)}}
		ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(r.http.URL, "http")+"/socket.io/?"+q.Encode(), nil)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = ws.Close() }()
		if err := ws.WriteMessage(websocket.TextMessage, []byte(`42["join",{}]`)); err != nil {
			b.Fatal(err)
		}
		for {
			_, p, err := ws.ReadMessage()
			if err != nil {
				b.Fatal(err)
			}
			if strings.HasPrefix(string(p), `42["joined"`) {
				break
			}
		}
		all = append(all, ws)
		go func() {
			for {
				_, p, err := ws.ReadMessage()
				if err != nil {
					return
				}
				if strings.HasPrefix(string(p), `42["chat"`) {
					got.Done()
				}
			}
		}()
	}
	message := []byte(`42["chat",{"text":"` + strings.Repeat("halo ", 20) + `"}]`)
	b.ReportAllocs()
	for b.Loop() {
		got.Add(people)
		if err := all[0].WriteMessage(websocket.TextMessage, message); err != nil {
			b.Fatal(err)
		}
		got.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*people), "us/delivery")
}
