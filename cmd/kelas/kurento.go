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
// port with a token, on a port of its own with --kurento-addr. It returns nil
// when neither is wanted.
func (a *app) openKurento(f *serveFlags, media *pipeline.Server) (http.Handler, error) {
	if f.KurentoToken == "" && f.KurentoAddr == "" {
		return nil, nil
	}
	s, err := kurento.New(kurento.Config{Media: media, Token: f.KurentoToken, Strict: f.KurentoStrict,
		Version: version, MaxObjects: f.KurentoMaxObjects, MaxMessage: int(f.KurentoMaxMessage), MaxSessions: f.KurentoMaxSessions,
		CollectPeriod: f.KurentoCollectPeriod, ClientAddr: signaling.ClientAddr, Log: a.log})
	if err != nil {
		return nil, err
	}
	a.opened("the Kurento sessions", s.Close)
	if f.KurentoAddr != "" {
		l, err := net.Listen("tcp", f.KurentoAddr)
		if err != nil {
			return nil, fmt.Errorf("listening on --kurento-addr: %w", err)
		}
		a.kurento = l.Addr()
		a.log.Info("kurento", "addr", where(l.Addr()))
		a.serveHTTP("the Kurento port", &http.Server{Handler: s.Listener(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
			MaxHeaderBytes: 32 << 10}, l)
	}
	if f.KurentoToken == "" {
		return nil, nil
	}
	return s.Handler(), nil
}
