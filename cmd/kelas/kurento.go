package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"kelas/pipeline"
	"kelas/signaling"
	"kelas/signaling/kurento"
)

// openKurento opens the door for applications written for Kurento: on the main
// port with a token, on a port of its own with --kurento-addr. What is not
// wanted is nil.
func (a *app) openKurento(f *serveFlags, media *pipeline.Server) (main http.Handler, stats func() kurento.Stats, err error) {
	if f.KurentoToken == "" && f.KurentoAddr == "" {
		return nil, nil, nil
	}
	s, err := kurento.New(kurento.Config{Media: media, Token: f.KurentoToken, Strict: f.KurentoStrict,
		Version: version, MaxObjects: f.KurentoMaxObjects, MaxMessage: int(f.KurentoMaxMessage), MaxSessions: f.KurentoMaxSessions,
		CollectPeriod: f.KurentoCollectPeriod, ClientAddr: signaling.ClientAddr, Log: a.log})
	if err != nil {
		return nil, nil, err
	}
	a.opened("the Kurento sessions", s.Close)
	if f.KurentoAddr != "" {
		l, err := net.Listen("tcp", f.KurentoAddr)
		if err != nil {
			return nil, nil, fmt.Errorf("listening on --kurento-addr: %w", err)
		}
		a.kurento = l.Addr()
		a.log.Info("kurento", "addr", where(l.Addr()))
		a.serveHTTP("the Kurento port", &http.Server{Handler: s.Listener(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
			MaxHeaderBytes: 32 << 10}, l)
	}
	if f.KurentoToken != "" {
		main = s.Handler()
	}
	return main, s.Stats, nil
}
