package socket

import (
	"context"

	"kelas/classroom"
	"kelas/pipeline"
	"kelas/signaling/fault"
	"kelas/signaling/wire"
)

func present(ctx context.Context, c call, req *wire.OfferRequest) (any, error) {
	answer, id, err := c.session.Present(ctx, req.SDPOffer, req.Endpoint)
	return c.accepted(wire.PresenterResponse, answer, id, err)
}

func view(ctx context.Context, c call, req *wire.OfferRequest) (any, error) {
	answer, id, err := c.session.View(ctx, req.SDPOffer, req.Endpoint)
	return c.accepted(wire.ViewerResponse, answer, id, err)
}

func (c call) accepted(event, answer, endpoint string, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	c.client.out.send(event, rawJSON(mustJSON(wire.OfferResponse{Response: wire.Accepted, SDPAnswer: answer, Endpoint: endpoint})))
	return nil, nil
}

// rejected answers an offer that failed in Kurento's way.
func rejected(response string) func(c *client, event string, err error) {
	return func(c *client, _ string, err error) {
		f := fault.Of(err)
		c.out.send(response, rawJSON(mustJSON(wire.OfferResponse{Response: wire.Rejected, Code: f.Code, Message: f.Text})))
	}
}

func candidate(ctx context.Context, c call, req *wire.CandidateRequest) (any, error) {
	return nil, c.session.AddIceCandidate(ctx, classroom.EndpointRole(req.Endpoint), classroom.IceCandidate{
		Candidate: req.Candidate.Candidate, SDPMid: req.Candidate.SDPMid, SDPMLineIndex: req.Candidate.SDPMLineIndex})
}

func publish(ctx context.Context, c call, req *wire.PublishRequest) (any, error) {
	return nil, c.session.Publish(ctx, classroom.Publishing{Mic: req.Mic, Camera: req.Camera, Screen: req.Screen, ScreenAudio: req.ScreenAudio})
}

func stop(ctx context.Context, c call, req *wire.StopRequest) (any, error) {
	if req.Endpoint == wire.EndpointViewer {
		return nil, c.session.StopViewing(ctx)
	}
	return nil, c.session.StopPresenting(ctx)
}

func quality(ctx context.Context, c call, req *wire.QualityRequest) (any, error) {
	return nil, c.session.SetQuality(ctx, pipeline.Quality(req.Quality))
}

func servers(_ context.Context, c call, _ *wire.EmptyRequest) (any, error) {
	return wire.IceServersAck{Ack: wire.Ack{OK: true}, IceServers: iceServers(c.session.ICEServers())}, nil
}

func stats(ctx context.Context, c call, _ *wire.EmptyRequest) (any, error) {
	figures, err := c.session.Stats(ctx)
	if err != nil {
		return nil, err
	}
	ack := wire.StatsAck{Ack: wire.Ack{OK: true}, Endpoints: []wire.EndpointStats{}}
	if figures.Presenter != nil {
		ack.Endpoints = append(ack.Endpoints, endpointStats(wire.EndpointPresenter, figures.Presenter))
	}
	if figures.Viewer != nil {
		ack.Endpoints = append(ack.Endpoints, endpointStats(wire.EndpointViewer, figures.Viewer))
	}
	return ack, nil
}

// endpointStats leaves the addresses out: they help nobody in a page.
func endpointStats(endpoint string, s *pipeline.EndpointStats) wire.EndpointStats {
	return wire.EndpointStats{
		Endpoint: endpoint, State: string(s.State), SRTPProfile: s.SRTPProfile,
		LocalCandidate: s.LocalCandidateType, RemoteCandidate: s.RemoteCandidateType, Protocol: s.Protocol,
		RoundTrip: float64(s.RoundTrip.Microseconds()) / 1000,
		Received:  each(s.Received, trackStats), Sent: each(s.Sent, trackStats),
		Quality: string(s.Line.Quality), Capacity: s.Line.Capacity, Queue: float64(s.Line.Queue.Microseconds()) / 1000,
	}
}

func trackStats(t pipeline.TrackStats) wire.TrackStats {
	return wire.TrackStats{Slot: slotName(t.MediaType, t.Description), Codec: t.Codec, Flowing: t.Flowing,
		Packets: t.Packets, Bytes: t.Bytes, Retransmitted: t.Retransmitted, NACKs: t.NACKs, PLIs: t.PLIs,
		Lost: t.Lost, LossFraction: t.LossFraction, Layer: t.Layer.RID, Paused: t.Layer.Paused}
}

// slotName is the place's name on the page's side of Kurento's words.
func slotName(t pipeline.MediaType, description string) string {
	audio := t == pipeline.Audio
	switch description {
	case pipeline.DefaultDescription:
		return string(either(audio, classroom.SlotMic, classroom.SlotCamera))
	case pipeline.ScreenDescription:
		return string(either(audio, classroom.SlotScreenAudio, classroom.SlotScreen))
	case pipeline.Speaker1Description:
		return string(either(audio, classroom.SlotSpeaker1Audio, classroom.SlotSpeaker1Video))
	case pipeline.Speaker2Description:
		return string(either(audio, classroom.SlotSpeaker2Audio, classroom.SlotSpeaker2Video))
	}
	return description
}

func either(first bool, a, b classroom.Slot) classroom.Slot {
	if first {
		return a
	}
	return b
}
