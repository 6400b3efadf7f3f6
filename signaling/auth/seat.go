package auth

import "time"

// Seat is who a browser is in one class: an Identity and where it came from.
type Seat struct {
	Identity Identity
	Invite   string // number of the join token that it came from
	Expires  time.Time
}

// Seat signs a seat for the cookie SeatCookie or for a client without cookies.
func (s *Signer) Seat(classID string, seat Seat) (string, error) {
	id := seat.Identity
	return s.sign(claims{Issuer: issuer, Audience: audienceSeat, ID: randomID(), Expires: seconds(seat.Expires.Unix()),
		Class: classID, Role: id.Role, Name: id.Name, Key: id.Key, UserID: id.UserID, Invite: seat.Invite, Guest: id.Guest})
}

// VerifySeat reads a seat for one class.
func (s *Signer) VerifySeat(token, classID string, now time.Time) (Seat, error) {
	c, err := s.verify(token, audienceSeat, now)
	if err != nil {
		return Seat{}, err
	}
	if c.Class != classID {
		return Seat{}, ErrTokenOtherClass
	}
	if c.Key == "" || c.Name == "" {
		return Seat{}, ErrTokenForged
	}
	return Seat{Identity: Identity{Key: c.Key, UserID: c.UserID, Name: c.Name, Role: c.Role, Guest: c.Guest},
		Invite: c.Invite, Expires: c.Expires.time()}, nil
}
