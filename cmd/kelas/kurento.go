package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"kelas/pipeline"
	"kelas/signaling"
	"kelas/signaling/kurento"
)

// openKurento opens the door for applications written for Kurento: on the main
// port with a token, and on ports of its own. What is not wanted is nil.
func (a *app) openKurento(f *serveFlags, media *pipeline.Server, secure *tlsSetup) (main http.Handler, stats func() kurento.Stats, err error) {
	if f.KurentoToken == "" && f.KurentoAddr == "" && f.KurentoTLSAddr == "" {
		return nil, nil, nil
	}
	s, err := kurento.New(kurento.Config{Media: media, Token: f.KurentoToken, Strict: f.KurentoStrict,
		Version: version, MaxObjects: f.KurentoMaxObjects, MaxMessage: int(f.KurentoMaxMessage), MaxSessions: f.KurentoMaxSessions,
		Addresses: f.kurentoAddresses(), CollectPeriod: f.KurentoCollectPeriod, ClientAddr: signaling.ClientAddr, Log: a.log})
	if err != nil {
		return nil, nil, err
	}
	a.opened("the Kurento sessions", s.Close)
	own, err := signaling.Behind(f.TrustedProxy, s.Listener())
	if err != nil {
		return nil, nil, err
	}
	if a.kurento, err = a.listenKurento("kurento-addr", "kurento", f.KurentoAddr, own, nil); err != nil {
		return nil, nil, err
	}
	if secure != nil {
		if _, err := a.listenKurento("kurento-tls-addr", "kurento over TLS", f.KurentoTLSAddr, own, secure.config); err != nil {
			return nil, nil, err
		}
	}
	if f.KurentoToken != "" {
		main = s.Handler()
	}
	return main, s.Stats, nil
}

// listenKurento serves a port of the protocol's own; no address is none.
func (a *app) listenKurento(option, name, at string, h http.Handler, secure *tls.Config) (net.Addr, error) {
	if at == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("listening on --%s: %w", option, err)
	}
	addr := l.Addr()
	a.log.Info(name, "addr", where(addr))
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	a.serveHTTP("the port of "+name, &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 32 << 10}, l)
	return addr, nil
}

func (f *serveFlags) kurentoAddresses() kurento.Addresses {
	return kurento.Addresses{STUN: f.KurentoSTUN, TURN: f.KurentoTURN, Interfaces: f.KurentoInterfaces}
}
