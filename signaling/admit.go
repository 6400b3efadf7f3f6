package signaling

import (
	"context"
	"net/http"

	"kelas/classroom"
	"kelas/signaling/auth"
	"kelas/signaling/bbb"
	"kelas/signaling/socket"
	"kelas/signaling/web"
)

// Admit says who comes over the socket; it is socket.Config.Admit.
func Admit(gate *auth.Gate) func(ctx context.Context, h socket.Handshake) (classroom.Identity, error) {
	return func(ctx context.Context, h socket.Handshake) (classroom.Identity, error) {
		return fromAuth(gate.Identify(h.Request.WithContext(ctx), h.ClassID, h.Token, h.Name))
	}
}

// fromAuth is an identity, or why there is none, in the classroom's words.
func fromAuth(id auth.Identity, err error) (classroom.Identity, error) {
	if err != nil {
		return classroom.Identity{}, web.FromAuth(err)
	}
	return classroom.Identity{Key: id.Key, UserID: id.UserID, Name: id.Name, Role: classroom.Role(id.Role), Guest: id.Guest}, nil
}

// IdentifyToken says who brings a token to the door of encoders and players;
// it is whip.Deps.Identify.
func IdentifyToken(gate *auth.Gate) func(r *http.Request, classID, token, name string) (classroom.Identity, error) {
	return func(r *http.Request, classID, token, name string) (classroom.Identity, error) {
		return fromAuth(gate.IdentifyEncoder(r, classID, token, name))
	}
}

// Seats is what a guest without cookies comes back with; it is
// socket.Config.Seat.
func Seats(gate *auth.Gate) func(classID, token string, id classroom.Identity) (string, error) {
	return func(classID, token string, id classroom.Identity) (string, error) {
		return gate.SeatOf(classID, token, auth.Identity{Key: id.Key, UserID: id.UserID, Name: id.Name, Role: string(id.Role), Guest: id.Guest})
	}
}

// BBBClient is what the door of bbb needs of it; it is bbb.Deps.Client.
func BBBClient(r *http.Request) bbb.Client {
	c := web.ClientOf(r)
	return bbb.Client{Addr: c.Addr, Secure: c.Secure}
}

// ClientAddr is the address that the chain found for a request, a trusted
// proxy's word included; it is socket.Config.ClientAddr.
func ClientAddr(r *http.Request) string { return web.ClientOf(r).Addr }
