package socket

import (
	"context"
	"errors"
	"testing"

	"kelas/pipeline/pipelinetest"
	"kelas/signaling/wire"
)

// offer is the way of an offer through the door.
func (c *raw) offer(request, response, endpoint string, got *wire.OfferResponse) pipelinetest.Answerer {
	return func(_ context.Context, sdp string) (string, error) {
		c.emit(request, wire.OfferRequest{SDPOffer: sdp, Endpoint: endpoint})
		*got = wire.OfferResponse{}
		c.event(response, got)
		if got.Response != wire.Accepted {
			return "", errors.New(got.Code)
		}
		return got.SDPAnswer, nil
	}
}

// TestMedia: a presenter of one generation of clients is seen by a viewer of
// the other; the screen comes without a word of SDP; the line's cut does not
// stop the pictures; ICE restarts on the same endpoint.
func TestMedia(t *testing.T) {
	r := newRig(t, rigOptions{})
	teacher, _ := r.come(rev4, "presenter:Bu Sri")
	student, joined := r.come(rev3, "viewer:Ani")

	var made, seen wire.OfferResponse
	camera := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	camera.Negotiate(teacher.offer(wire.Presenter, wire.PresenterResponse, "", &made))
	watching := pipelinetest.NewViewer(t, pipelinetest.Options{})
	watching.Negotiate(student.offer(wire.Viewer, wire.ViewerResponse, "", &seen))
	if made.Endpoint == "" || seen.Endpoint == "" || made.Endpoint == seen.Endpoint {
		t.Fatalf("endpoints: %+v %+v", made.Endpoint, seen.Endpoint)
	}
	camera.Start(pipelinetest.Mic, pipelinetest.Camera)
	teacher.must(wire.Publish, wire.PublishRequest{Mic: true, Camera: true})
	watching.Slot(pipelinetest.Camera).WaitFrames(t, 10, patience)

	camera.Start(pipelinetest.Screen)
	teacher.must(wire.Publish, wire.PublishRequest{Mic: true, Camera: true, Screen: true})
	watching.Slot(pipelinetest.Screen).WaitFrames(t, 10, patience)
	for live := false; !live; {
		var s wire.SlotsEvent
		student.event(wire.Slots, &s)
		for _, slot := range s.Slots {
			live = live || (slot.Slot == "screen" && slot.Live)
		}
	}

	var second wire.OfferResponse
	other, _ := r.come(rev4, "presenter:Pak Adi")
	other.emit(wire.Presenter, wire.OfferRequest{SDPOffer: pipelinetest.NewPresenter(t, pipelinetest.Options{}).Offer()})
	other.event(wire.PresenterResponse, &second)
	if second.Response != wire.Rejected || second.Code != "presenterPresent" || second.Message == "" {
		t.Fatalf("a second presenter: %+v", second)
	}

	student.close()
	eventually(t, "the cut is noticed", func() bool { return r.server.Stats().Joined == 2 })
	before := watching.Slot(pipelinetest.Camera).Stats()
	student = r.dial(dialOptions{rev: rev3, token: "viewer:Ani"}).connect()
	if again := student.join(wire.JoinRequest{Session: joined.Session}); !again.Resumed {
		t.Fatal("not resumed")
	}
	watching.Slot(pipelinetest.Camera).WaitFrames(t, 10, patience)
	if after := watching.Slot(pipelinetest.Camera).Stats(); len(after.SSRCs) != len(before.SSRCs) {
		t.Fatalf("the media was begun anew: %v, then %v", before.SSRCs, after.SSRCs)
	}

	var restarted wire.OfferResponse
	watching.Restart(student.offer(wire.Viewer, wire.ViewerResponse, seen.Endpoint, &restarted))
	if restarted.Endpoint != seen.Endpoint {
		t.Fatalf("restarted %s as %s", seen.Endpoint, restarted.Endpoint)
	}
	watching.Slot(pipelinetest.Screen).WaitFrames(t, 10, patience)

	student.must(wire.OnIceCandidate, wire.CandidateRequest{Endpoint: "viewer"}) // the end of the list
	student.refusedWith("badCandidate", wire.OnIceCandidate, wire.CandidateRequest{Endpoint: "viewer", Candidate: wire.Candidate{Candidate: "nonsense"}})

	var figures wire.StatsAck
	student.ask(wire.Stats, nil, &figures)
	if len(figures.Endpoints) != 1 || figures.Endpoints[0].Endpoint != "viewer" || figures.Endpoints[0].State != "connected" {
		t.Fatalf("stats: %+v", figures)
	}
	sent := map[string]uint64{}
	for _, s := range figures.Endpoints[0].Sent {
		sent[s.Slot] = s.Packets
	}
	if sent["camera"] == 0 || sent["screen"] == 0 || sent["mic"] == 0 {
		t.Fatalf("sent: %v", sent)
	}

	teacher.must(wire.Stop, wire.StopRequest{})
	var stopped wire.StopCommunicationEvent
	student.event(wire.StopCommunication, &stopped)
	if stopped.Reason != "stopped" {
		t.Fatalf("stopped: %+v", stopped)
	}
	student.must(wire.Stop, wire.StopRequest{Endpoint: "viewer"})
}
