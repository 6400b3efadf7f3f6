package kurento

import (
	"strings"

	"kelas/pipeline"
)

// happened makes Kurento's event of one of the pipeline. It is called by a
// goroutine of the element, one event at a time.
func (s *Server) happened(o *object, ev pipeline.Event) {
	switch e := ev.(type) {
	case pipeline.IceCandidateFound:
		s.deliver(o, "IceCandidateFound", map[string]any{"candidate": candidateRecord(e.Candidate)})
	case pipeline.IceGatheringDone:
		s.deliver(o, "IceGatheringDone", nil)
	case pipeline.ConnectionStateChanged:
		was, is := e.Old == pipeline.ConnectionConnected, e.New == pipeline.ConnectionConnected
		if was != is {
			s.deliver(o, "ConnectionStateChanged", map[string]any{"oldState": connectedOr(was), "newState": connectedOr(is)})
		}
	case pipeline.MediaStateChanged:
		s.deliver(o, "MediaStateChanged", map[string]any{"oldState": string(e.Old), "newState": string(e.New)})
	case pipeline.MediaSessionStarted:
		s.deliver(o, "MediaSessionStarted", nil)
	case pipeline.MediaSessionTerminated:
		s.deliver(o, "MediaSessionTerminated", nil)
	case pipeline.IceComponentStateChanged:
		s.deliver(o, "IceComponentStateChanged", map[string]any{"streamId": e.StreamID, "componentId": e.ComponentID, "state": string(e.State)})
	case pipeline.NewCandidatePairSelected:
		s.deliver(o, "NewCandidatePairSelected", map[string]any{"candidatePair": pairRecord(e.Pair)})
	case pipeline.DtlsConnectionStateChanged:
		s.deliver(o, "DtlsConnectionStateChange", map[string]any{"streamId": e.StreamID, "componentId": e.ComponentID,
			"connectionId": e.ConnectionID, "state": string(e.State)})
	case pipeline.ElementConnected:
		s.deliver(o, "ElementConnected", linkMembers(e.Sink, e.MediaType, e.SourceDescription, e.SinkDescription))
	case pipeline.ElementDisconnected:
		s.deliver(o, "ElementDisconnected", linkMembers(e.Sink, e.MediaType, e.SourceDescription, e.SinkDescription))
	case pipeline.MediaFlowInStateChanged:
		s.deliver(o, "MediaFlowInStateChanged", flowMembers("sink", e.Flowing, e.MediaType, e.Description))
	case pipeline.MediaFlowOutStateChanged:
		s.deliver(o, "MediaFlowOutStateChanged", flowMembers("src", e.Flowing, e.MediaType, e.Description))
	case pipeline.Unplayable:
		s.trouble(o, codeUnsupported, "UNEXPECTED_ELEMENT_ERROR",
			"The receiver cannot play "+e.Codec+"; it accepts "+strings.Join(e.Accepted, ", "))
	case pipeline.Error:
		s.trouble(o, asError(e.Err).Code, "UNEXPECTED_ELEMENT_ERROR", asError(e.Err).Message)
	}
}

// trouble is the event Error: what went wrong after the call was answered.
func (s *Server) trouble(o *object, code int, typ, text string) {
	s.deliverTo(nil, o, "Error", typ, map[string]any{"description": text, "errorCode": code})
}

func candidateRecord(c pipeline.IceCandidate) map[string]any {
	index := 0
	if c.SDPMLineIndex != nil {
		index = int(*c.SDPMLineIndex)
	}
	return record("IceCandidate", map[string]any{"candidate": c.Candidate, "sdpMid": c.SDPMid, "sdpMLineIndex": index})
}

func linkMembers(sink pipeline.MediaElement, media pipeline.MediaType, from, to string) map[string]any {
	return map[string]any{"sink": sink.ID(), "mediaType": string(media), "sourceMediaDescription": from, "sinkMediaDescription": to}
}

func flowMembers(side string, flowing bool, media pipeline.MediaType, description string) map[string]any {
	state := "NOT_FLOWING"
	if flowing {
		state = "FLOWING"
	}
	return map[string]any{"state": state, "mediaType": string(media),
		"padName": side + "_" + strings.ToLower(string(media)) + "_" + description}
}
