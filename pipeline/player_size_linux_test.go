package pipeline_test

import (
	"path/filepath"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestPlayerPacketSize: what a browser is sent of a file with large pictures is
// cut as PacketSize says.
func TestPlayerPacketSize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	big := []string{"-vf", "scale=640:360", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "3M", "-c:a", "libopus"}
	player := newPlayer(t, p, "file://"+makeFile(t, filepath.Join(dir, "big.webm"), big...))
	marks, err := pipelinetest.NewMarks()
	if err != nil {
		t.Fatal(err)
	}
	v := view(t, p, pipelinetest.Options{Net: marks})
	v.WaitConnected()
	connect(t, player, v.endpoint)
	told := events(t, player)
	play(t, player)
	waitEvent[pipeline.EndOfStream](t, told, nil)
	const tag = 16 // of AES-GCM (RFC 7714, section 14.2)
	eventually(t, "large packets", func() bool { return marks.Largest("rtp") > pipeline.PacketSize-50 })
	if n := marks.Largest("rtp"); n > pipeline.PacketSize+tag {
		t.Errorf("a packet of %d bytes, %d of them encryption", n, tag)
	}
}
