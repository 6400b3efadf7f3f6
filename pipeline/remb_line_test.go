package pipeline_test

import (
	"errors"
	"testing"
	"time"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestRembFollowsLoss: a presenter behind a lossy line is told less and less,
// and more again once nothing is lost.
func TestRembFollowsLoss(t *testing.T) {
	t.Parallel()
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{Delay: 5 * time.Millisecond, Seed: 11})
	s := newServer(t, pipeline.Config{MediaAddr: pipelinetest.ServerIP + ":8189", Net: n.Server()})
	p := newPipeline(t, s)
	e := newEndpoint(t, p)
	params := pipeline.DefaultRembParams()
	params.RembOnConnect = 200_000
	if err := e.SetRembParams(params); err != nil {
		t.Fatal(err)
	}
	if e.RembParams() != params {
		t.Errorf("%+v was set, %+v is there", params, e.RembParams())
	}
	page := pipelinetest.NewPresenter(t, pipelinetest.Options{Net: n.Client()})
	page.Negotiate(e.ProcessOffer)
	page.WaitConnected()
	page.Start(pipelinetest.Mic, pipelinetest.Camera)
	told := func() uint64 { return page.Estimate(pipelinetest.Camera) }
	eventually(t, "the first limit", func() bool { return told() > 0 })
	if first := told(); first != 200_000 {
		t.Errorf("the first limit is %d", first)
	}
	eventually(t, "it grows", func() bool { return told() > 210_000 })
	n.SetLoss(0.25)
	before := told()
	eventually(t, "it falls", func() bool { return told() < before*2/3 })
	n.SetLoss(0)
	low := told()
	eventually(t, "it grows again", func() bool { return told() > low*5/4 })
	setBandwidth(t, e, pipeline.Bandwidth{MaxVideoRecv: 64})
	eventually(t, "the bound counts", func() bool { return told() == 128_000 /* sound too */ })
	setBandwidth(t, e, pipeline.Bandwidth{MaxVideoRecv: 64, MinVideoRecv: 50})
	params.DecrementFactor = 0.02 // this presenter does not obey: the cut is of what comes
	if err := e.SetRembParams(params); err != nil {
		t.Fatal(err)
	}
	n.SetLoss(0.3)
	eventually(t, "the least counts", func() bool { return told() == 50_000 })
	if got := e.Stats().RecvLimit; got != 50_000 {
		t.Errorf("the figures say %d", got)
	}
	n.SetLoss(0)
	e.Release()
	if err := e.SetRembParams(params); !errors.Is(err, pipeline.ErrReleased) {
		t.Errorf("released: error %v", err)
	}
}

// TestNoRembByItself: who sets no parameters is told nothing.
func TestNoRembByItself(t *testing.T) {
	t.Parallel()
	n, teacher, v := overNetwork(t, pipelinetest.NetworkOptions{Delay: 5 * time.Millisecond, Seed: 12})
	n.SetLoss(0.1)
	v.Slot(pipelinetest.Camera).WaitTotal(t, 40, patience) // seconds of sweeps
	n.SetLoss(0)
	if told := teacher.Estimate(pipelinetest.Camera); told != 0 || teacher.endpoint.RembParams() != pipeline.DefaultRembParams() {
		t.Errorf("a limit of %d, %+v", told, teacher.endpoint.RembParams())
	}
}
