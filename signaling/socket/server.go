package socket

import (
	"context"
	"log/slog"
	"net/http"
)

// Server is the door: an http.Handler for the path of Socket.IO.
type Server struct{}

// New makes a Server. A nil log is silent.
func New(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Server{}, nil
}

// ServeHTTP answers a request to connect.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}

// Close refuses new clients, writes out what waits for the connected ones
// while ctx lasts, closes them and waits for every goroutine.
func (s *Server) Close(ctx context.Context) error { return nil }

// Stats returns the figures of now.
func (s *Server) Stats() Stats { return Stats{} }
