package kurento

import (
	"errors"
	"slices"
	"strings"

	"kelas/pipeline"
)

// happened makes Kurento's event of one of the pipeline. It is called by a
// goroutine of the element, one event at a time.
func (s *Server) happened(o *object, ev pipeline.Event) {
	switch e := ev.(type) {
	case pipeline.IceCandidateFound:
		w := o.part.(*webrtcPart)
		if c, ok := w.addressing.tell(e.Candidate); ok {
			w.told.add(c)
			s.deliver(o, "IceCandidateFound", map[string]any{"candidate": candidateRecord(c)})
		}
	case pipeline.IceGatheringDone:
		o.part.(*webrtcPart).told.end()
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
		s.passesThrough(o, e.MediaType, e.SourceDescription)
	case pipeline.ElementDisconnected:
		s.deliver(o, "ElementDisconnected", linkMembers(e.Sink, e.MediaType, e.SourceDescription, e.SinkDescription))
	case pipeline.MediaFlowInStateChanged:
		s.tellFlow(o, "MediaFlowInStateChanged", e.Flowing, e.MediaType, e.Description)
	case pipeline.MediaFlowOutStateChanged:
		s.tellFlow(o, "MediaFlowOutStateChanged", e.Flowing, e.MediaType, e.Description)
		s.passesThrough(o, e.MediaType, e.Description)
	case pipeline.Unplayable:
		s.trouble(o, codeUnsupported, "UNEXPECTED_ELEMENT_ERROR",
			"The receiver cannot play "+e.Codec+"; it accepts "+strings.Join(e.Accepted, ", "))
	case pipeline.DataChannelOpened:
		s.deliver(o, "DataChannelOpened", map[string]any{"channelId": e.ChannelID})
	case pipeline.DataChannelClosed:
		s.deliver(o, "DataChannelClosed", map[string]any{"channelId": e.ChannelID})
	case pipeline.KeySoftLimit:
		s.deliver(o, "OnKeySoftLimit", map[string]any{"mediaType": string(e.MediaType)})
	case pipeline.UriEndpointStateChanged:
		s.deliver(o, "UriEndpointStateChanged", map[string]any{"state": string(e.State)})
	case pipeline.Recording:
		s.deliver(o, "Recording", nil)
	case pipeline.Paused:
		s.deliver(o, "Paused", nil)
	case pipeline.Stopped:
		s.deliver(o, "Stopped", nil)
	case pipeline.EndOfStream:
		s.deliver(o, "EndOfStream", nil)
	case pipeline.Error:
		var m *pipeline.MediaError
		if errors.As(e.Err, &m) {
			// Its text is about a file or a stream that the client named.
			s.trouble(o, errorCodes[m.Type], string(m.Type), clip(m.Error()))
			return
		}
		s.trouble(o, asError(e.Err).Code, "UNEXPECTED_ELEMENT_ERROR", asError(e.Err).Message)
	}
}

// errorCodes are Error.errorCode of recorders and players.
var errorCodes = map[pipeline.MediaErrorType]int{
	pipeline.ResourceErrorOpen:        codeFileNotFound,
	pipeline.ResourceErrorWrite:       codeUnexpected,
	pipeline.ResourceErrorNoSpaceLeft: codeResources,
	pipeline.StreamErrorFailed:        codeUnexpected,
	pipeline.StreamErrorDecode:        codeUnsupported,
}

// trouble is the event Error: what went wrong after the call was answered.
func (s *Server) trouble(o *object, code int, typ, text string) {
	s.deliverTo(nil, o, o, "Error", typ, map[string]any{"description": text, "errorCode": code})
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

// tellFlow: Kurento's padName is the description, without side and type, and of
// messages it tells nothing.
func (s *Server) tellFlow(o *object, name string, flowing bool, media pipeline.MediaType, description string) {
	if media == pipeline.Data {
		return
	}
	state := "NOT_FLOWING"
	if flowing {
		state = "FLOWING"
	}
	s.deliver(o, name, map[string]any{"state": state, "mediaType": string(media), "padName": description})
}

// passesThrough tells once of each source that it is not transcoded: when what
// comes out of it is first taken by somebody, as in Kurento. It is called by the
// element's own goroutine.
func (s *Server) passesThrough(o *object, media pipeline.MediaType, description string) {
	e := o.element()
	if flowing, _ := e.MediaFlowingOut(media, description); !flowing || media == pipeline.Data {
		return
	}
	key := string(media) + description
	taken := func(l pipeline.ElementConnection) bool {
		return l.MediaType == media && l.SourceDescription == description
	}
	if o.untouched[key] || !slices.ContainsFunc(e.SinkConnections(), taken) {
		return
	}
	if o.untouched == nil {
		o.untouched = map[string]bool{}
	}
	o.untouched[key] = true
	s.deliver(o, "MediaTranscodingStateChanged", map[string]any{"state": "NOT_TRANSCODING", "mediaType": string(media), "binName": description})
}
