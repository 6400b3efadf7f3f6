package whip

import (
	"context"
	"net/http"
	"strings"

	"kelas/classroom"
)

// patch is trickle ICE, or an ICE restart (RFC 9725, section 4.3).
func (d *Door) patch(s *session, w http.ResponseWriter, r *http.Request) error {
	text, err := body(r, typeFragment, errNotFragment, fragmentMax)
	if err != nil {
		return err
	}
	match := r.Header.Get("If-Match")
	if match == "" {
		match = r.Header.Get("ETag") // as some clients send it
	}
	if match == "" {
		return errNoETag
	}
	f, err := readFragment(text)
	if err != nil {
		return err
	}
	if err := s.take(r.Context()); err != nil {
		return err
	}
	defer func() { <-s.turn }()
	if match != "*" && !strings.Contains(match, s.etag) {
		return errOtherETag
	}
	if f.ufrag != "" && (f.ufrag != s.ufrag || f.pwd != s.pwd) {
		if f.pwd == "" {
			return errCredentials
		}
		return s.restart(w, r, f)
	}
	if err := s.trickle(r.Context(), f); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// trickle hands candidates on; those that are of no use are passed over.
func (s *session) trickle(ctx context.Context, f fragment) error {
	role := classroom.EndpointViewer
	if s.kind == whip {
		role = classroom.EndpointEncoder
	}
	for _, c := range f.candidates {
		if c.mid != "" && !strings.Contains(s.offer, "\na=mid:"+c.mid+"\r") && !strings.Contains(s.offer, "\na=mid:"+c.mid+"\n") {
			continue
		}
		err := s.in.AddIceCandidate(ctx, role, classroom.IceCandidate{Candidate: c.line, SDPMid: c.mid})
		switch p, _ := problemOf(err); {
		case err == nil, p.code == "badCandidate":
		case p.code == "noSuchEndpoint":
			return errNoSession
		default:
			return err
		}
	}
	return nil
}

// restart negotiates the offer of before with the new credentials.
func (s *session) restart(w http.ResponseWriter, r *http.Request, f fragment) error {
	offer := restarted(s.offer, f.ufrag, f.pwd)
	answer, err := s.negotiate(r.Context(), offer)
	if err != nil {
		return err
	}
	s.offer, s.ufrag, s.pwd, s.etag = offer, f.ufrag, f.pwd, newETag()
	if err := s.trickle(r.Context(), f); err != nil {
		return err
	}
	w.Header().Set("Content-Type", typeFragment)
	w.Header().Set("ETag", s.etag)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(answerFragment(answer)))
	return nil
}
