package kurento

import (
	"math"
	"strconv"

	"kelas/pipeline"
)

// webrtcPart stands behind a WebRtcEndpoint.
type webrtcPart struct {
	*pipeline.WebRtcEndpoint
	addressing *addressing
	told       toldCandidates
}

func (w *webrtcPart) element() pipeline.MediaElement { return w.WebRtcEndpoint }

func makeWebRtc(c *call) (part, error) {
	e, err := c.inPipeline().NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{
		RecvOnly: c.flag("recvonly") && !c.flag("sendonly"), SendOnly: c.flag("sendonly"), // the last one counts, as in Kurento
		UseDataChannels: c.flag("useDataChannels"),
		Trickle:         true, NegotiateOnce: true, Certificate: pipeline.CertificateKey(c.text("certificateKeyType")),
		DSCP: dscp[c.text("qosDscp")],
	})
	if err != nil {
		return nil, err
	}
	w := &webrtcPart{WebRtcEndpoint: e}
	if err := w.begin(c.s.cfg.Addresses); err != nil {
		e.Release()
		return nil, err
	}
	return w, nil
}

func (c *call) webrtc() *webrtcPart { return c.obj.part.(*webrtcPart) }

func gatherCandidates(c *call) (any, error) {
	return nil, as(codeGather, "Error gathering candidates", c.webrtc().GatherCandidates())
}

func addIceCandidate(c *call) (any, error) {
	r := c.record("candidate")
	candidate := pipeline.IceCandidate{}
	candidate.Candidate, _ = r["candidate"].(string)
	candidate.SDPMid, _ = r["sdpMid"].(string)
	if n, _ := r["sdpMLineIndex"].(int64); n >= 0 && n <= math.MaxUint16 {
		index := uint16(n)
		candidate.SDPMLineIndex = &index
	}
	return nil, as(codeAddCandidate, "Error adding candidate", c.webrtc().AddIceCandidate(candidate))
}

func getCandidatePairs(c *call) (any, error) {
	list := []any{}
	for _, p := range c.webrtc().ICECandidatePairs() {
		list = append(list, pairRecord(p))
	}
	return list, nil
}

func pairRecord(p pipeline.IceCandidatePair) map[string]any {
	return record("IceCandidatePair", map[string]any{"streamId": strconv.Itoa(p.StreamID), "componentId": p.ComponentID,
		"localCandidate": p.LocalCandidate, "remoteCandidate": p.RemoteCandidate})
}

func getIceStates(c *call) (any, error) {
	list := []any{}
	for _, s := range c.webrtc().IceConnectionState() {
		list = append(list, record("IceConnection", map[string]any{
			"streamId": strconv.Itoa(s.StreamID), "componentId": s.ComponentID, "state": string(s.State)}))
	}
	return list, nil
}

func getDtlsStates(c *call) (any, error) {
	list := []any{}
	for _, s := range c.webrtc().DtlsConnectionState() {
		list = append(list, record("DtlsConnection", map[string]any{
			"streamId": s.StreamID, "componentId": s.ComponentID, "connectionId": s.ConnectionID, "state": string(s.State)}))
	}
	return list, nil
}
