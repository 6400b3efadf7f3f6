package kurento

import (
	"context"
	"errors"
	"slices"
	"time"

	"kelas/pipeline"
)

// negotiationTime bounds one offer or answer; it takes milliseconds.
const negotiationTime = 15 * time.Second

// sdpElement is what every SdpEndpoint of the pipeline can do.
type sdpElement interface {
	ProcessOffer(ctx context.Context, sdp string) (answer string, err error)
	GenerateOffer(ctx context.Context, opts pipeline.OfferOptions) (offer string, err error)
	ProcessAnswer(ctx context.Context, sdp string) (local string, err error)
	LocalSessionDescription() (string, error)
	RemoteSessionDescription() (string, error)
}

// rtpElement is what every BaseRtpEndpoint adds.
type rtpElement interface {
	ConnectionState() pipeline.ConnectionState
	MediaState() pipeline.MediaState
	RequestKeyframe() error
}

func (c *call) sdp() sdpElement { return c.obj.element().(sdpElement) }
func (c *call) rtp() rtpElement { return c.obj.element().(rtpElement) }

// processOffer: a second one is refused, as in Kurento. One that cannot be
// read leaves the endpoint usable.
func processOffer(c *call) (any, error) {
	offer := c.text("offer")
	if offer == "" {
		return nil, fail(codeSDPParse, "Empty offer not valid")
	}
	ctx, cancel := context.WithTimeout(c.s.ctx, negotiationTime)
	defer cancel()
	answer, err := c.sdp().ProcessOffer(ctx, offer)
	if err != nil {
		return nil, asSDP(codeProcessOffer, "Error processing offer", err)
	}
	return answer, nil
}

func generateOffer(c *call) (any, error) {
	wants := func(name string) bool {
		v, given := c.record("options")[name].(bool)
		return !given || v
	}
	ctx, cancel := context.WithTimeout(c.s.ctx, negotiationTime)
	defer cancel()
	offer, err := c.sdp().GenerateOffer(ctx, pipeline.OfferOptions{NoAudio: !wants("offerToReceiveAudio"), NoVideo: !wants("offerToReceiveVideo")})
	if err != nil {
		return nil, as(codeGenerateOffer, "Error generating offer", err)
	}
	return offer, nil
}

func processAnswer(c *call) (any, error) {
	answer := c.text("answer")
	if answer == "" {
		return nil, fail(codeSDPParse, "Empty answer not valid")
	}
	ctx, cancel := context.WithTimeout(c.s.ctx, negotiationTime)
	defer cancel()
	local, err := c.sdp().ProcessAnswer(ctx, answer)
	if err != nil {
		return nil, asSDP(codeProcessAnswer, "Error processing answer", err)
	}
	return local, nil
}

func getRemoteSDP(c *call) (any, error) { return c.sdp().RemoteSessionDescription() }

// requestKeyframe is for an endpoint that is sent pictures.
func requestKeyframe(c *call) (any, error) {
	video := func(l pipeline.ElementConnection) bool { return l.MediaType == pipeline.Video }
	err := pipeline.ErrNotNegotiated
	if slices.ContainsFunc(c.obj.element().SourceConnections(), video) {
		err = c.rtp().RequestKeyframe()
	}
	if errors.Is(err, pipeline.ErrNotNegotiated) {
		return nil, fail(codeNotSupported, "Keyframe request failed (must be requested from a subscriber element)")
	}
	return nil, err
}

func connectedOr(connected bool) string {
	if connected {
		return "CONNECTED"
	}
	return "DISCONNECTED"
}

func getConnectionState(c *call) (any, error) {
	return connectedOr(c.rtp().ConnectionState() == pipeline.ConnectionConnected), nil
}

func getMediaState(c *call) (any, error) { return string(c.rtp().MediaState()), nil }

// getMTU is the size at which packets are cut where this server makes them, of
// files and cameras; Kurento makes all that it sends.
func getMTU(*call) (any, error) { return pipeline.PacketSize, nil }
