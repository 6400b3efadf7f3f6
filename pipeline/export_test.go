package pipeline

import "crypto/x509"

// TrustTURN has TURN servers over TLS checked by these instead of the system's
// roots.
func (s *Server) TrustTURN(roots *x509.CertPool) { s.turnRoots = roots }
