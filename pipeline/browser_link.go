package pipeline

import (
	"net"
	"strconv"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"kelas/pipeline/viewer"
)

// browserLink is a browser's connection as far as an endpoint sees it: a
// PeerConnection, or a viewer's lighter one.
type browserLink interface {
	writeRTCP(packets []rtcp.Packet) error
	addCandidate(c webrtc.ICECandidateInit) error
	path() (linkPath, bool)
	// ended tells whether the browser has closed it.
	ended() bool
	// close ends it and waits.
	close()
}

// linkPath is the selected pair, for figures.
type linkPath struct{ local, remote, protocol, address string }

// peerLink is a PeerConnection.
type peerLink struct{ pc *webrtc.PeerConnection }

func (t peerLink) writeRTCP(packets []rtcp.Packet) error { return t.pc.WriteRTCP(packets) }

func (t peerLink) addCandidate(c webrtc.ICECandidateInit) error { return t.pc.AddICECandidate(c) }

func (t peerLink) path() (linkPath, bool) {
	pair, err := t.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil || pair.Local == nil || pair.Remote == nil {
		return linkPath{}, false
	}
	return linkPath{
		local: localType(pair.Local.Typ.String(), int(pair.Local.Port), pair.Local.Protocol.String()), remote: pair.Remote.Typ.String(), protocol: pair.Local.Protocol.String(),
		address: net.JoinHostPort(pair.Remote.Address, strconv.Itoa(int(pair.Remote.Port))),
	}, true
}

func (t peerLink) ended() bool {
	return t.pc.ConnectionState() == webrtc.PeerConnectionStateClosed
}

// close drops the error, which is about a transport that is closing anyway.
func (t peerLink) close() { _ = t.pc.GracefulClose() }

// viewerLink is a browser that only receives.
type viewerLink struct{ conn *viewer.Conn }

func (t viewerLink) writeRTCP(packets []rtcp.Packet) error { return t.conn.WriteRTCP(packets) }

func (t viewerLink) addCandidate(c webrtc.ICECandidateInit) error {
	return t.conn.AddCandidate(c.Candidate)
}

func (t viewerLink) path() (linkPath, bool) {
	p := t.conn.Pair()
	if p == nil {
		return linkPath{}, false
	}
	return linkPath{
		local: localType(p.Local.Type().String(), p.Local.Port(), networkOf(p.Local)), remote: p.Remote.Type().String(), protocol: networkOf(p.Local),
		address: net.JoinHostPort(p.Remote.Address(), strconv.Itoa(p.Remote.Port())),
	}, true
}

// relayed is the type of a candidate at a TURN server.
var relayed = ice.CandidateTypeRelay.String()

// localType is the type of our side's candidate; ICE takes the relay's place for
// an address of our own.
func localType(typ string, port int, protocol string) string {
	if isRelayPlace(port, protocol == "tcp") {
		return relayed
	}
	return typ
}

func networkOf(c ice.Candidate) string {
	if c.NetworkType().IsTCP() {
		return "tcp"
	}
	return "udp"
}

func (t viewerLink) ended() bool { return t.conn.Ended() }

func (t viewerLink) close() { t.conn.Close() }
