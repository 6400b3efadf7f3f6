package pipelinetest

import "github.com/pion/webrtc/v4"

// Place is one of the fixed places of a class, on the presenter's side and on
// the viewers'.
type Place string

// The places in the order in which the class page offers them.
const (
	Mic           Place = "mic"
	Camera        Place = "camera"
	Screen        Place = "screen"
	ScreenAudio   Place = "screenAudio"
	Speaker1Audio Place = "speaker1Audio"
	Speaker1Video Place = "speaker1Video"
	Speaker2Audio Place = "speaker2Audio"
	Speaker2Video Place = "speaker2Video"
)

// PresenterPlaces are what a presenter's one offer has.
func PresenterPlaces() []Place { return []Place{Mic, Camera, Screen, ScreenAudio} }

// ViewerPlaces are what a viewer's one offer has.
func ViewerPlaces() []Place {
	return []Place{Mic, Camera, Screen, ScreenAudio, Speaker1Audio, Speaker1Video, Speaker2Audio, Speaker2Video}
}

func (o Options) places(all []Place) []Place {
	if o.Places != nil {
		return o.Places
	}
	return all
}

func (p Place) kind() webrtc.RTPCodecType {
	switch p {
	case Mic, ScreenAudio, Speaker1Audio, Speaker2Audio:
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}
