package pipeline

import (
	"crypto/x509"
	"time"
)

// TrustTURN has TURN servers over TLS checked by these instead of the system's
// roots.
func (s *Server) TrustTURN(roots *x509.CertPool) { s.turnRoots = roots }

// CheckRelays has relays looked after that often.
func (s *Server) CheckRelays(every time.Duration) { s.relayCheck = every }
