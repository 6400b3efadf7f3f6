package kurento

import (
	"strings"
	"sync"

	"kelas/pipeline"
)

// toldCandidates are those that the browser was told so far. From then on they
// stand in the local description too, as in Kurento: applications that do not
// trickle wait for IceGatheringDone and fetch the description.
type toldCandidates struct {
	mu   sync.Mutex
	list []pipeline.IceCandidate
	done bool
}

func (t *toldCandidates) add(c pipeline.IceCandidate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done { // a further round
		t.list, t.done = nil, false
	}
	t.list = append(t.list, c)
}

func (t *toldCandidates) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = true
}

// into writes the candidates behind the m-line that each belongs to (RFC 8839,
// section 5.1; RFC 8840, section 4.4 for the end mark).
func (t *toldCandidates) into(text string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.list) == 0 {
		return text
	}
	sections := strings.Split(text, "\nm=")
	for _, c := range t.list {
		at := sectionOf(sections, c)
		if at == 0 {
			continue
		}
		sections[at] = strings.TrimRight(sections[at], "\r\n") + "\r\na=" + c.Candidate + "\r"
	}
	if t.done {
		at := sectionOf(sections, t.list[0])
		sections[at] = strings.TrimRight(sections[at], "\r\n") + "\r\na=end-of-candidates\r"
	}
	return strings.TrimRight(strings.Join(sections, "\nm="), "\r\n") + "\r\n"
}

// sectionOf is where a candidate belongs: by mid, or by the number of the m-line.
// The first section is that of the session; 0 is none.
func sectionOf(sections []string, c pipeline.IceCandidate) int {
	for i, s := range sections {
		if i > 0 && c.SDPMid != "" && strings.Contains(s, "\na=mid:"+c.SDPMid+"\r") {
			return i
		}
	}
	if c.SDPMLineIndex != nil && int(*c.SDPMLineIndex)+1 < len(sections) {
		return int(*c.SDPMLineIndex) + 1
	}
	return 0
}

// getLocalSDP is the description as it is now.
func getLocalSDP(c *call) (any, error) {
	text, err := c.sdp().LocalSessionDescription()
	if w, ok := c.obj.part.(*webrtcPart); ok && err == nil {
		text = w.told.into(text)
	}
	return text, err
}
