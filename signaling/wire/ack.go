package wire

// Ack acknowledges a request: OK, or the error. Requests that are answered
// with more have a struct of their own with the same two members.
type Ack struct {
	OK    bool   `json:"ok"`
	Error *Fault `json:"error,omitempty"`
}

// ChatAck acknowledges chat; Entry is the sender's view, with ClientID.
type ChatAck struct {
	Ack
	Entry *Entry `json:"entry,omitempty"`
}

// HistoryAck acknowledges chatHistory, in rising order.
type HistoryAck struct {
	Ack
	Entries []Entry `json:"entries"`
	More    bool    `json:"more"` // older ones exist
}

// FilesAck acknowledges files, oldest first.
type FilesAck struct {
	Ack
	Files []FileInfo `json:"files"`
}

// IceServersAck acknowledges iceServers with fresh credentials.
type IceServersAck struct {
	Ack
	IceServers []IceServer `json:"iceServers"`
}

// StatsAck acknowledges stats with one item for each endpoint the session has.
type StatsAck struct {
	Ack
	Endpoints []EndpointStats `json:"endpoints"`
}

// EndpointStats are the server's figures of one endpoint.
type EndpointStats struct {
	Endpoint        string       `json:"endpoint"` // presenter or viewer
	State           string       `json:"state"`
	SRTPProfile     string       `json:"srtpProfile"`
	LocalCandidate  string       `json:"localCandidate"`  // host, srflx, prflx, relay
	RemoteCandidate string       `json:"remoteCandidate"` // host, srflx, prflx, relay
	Protocol        string       `json:"protocol"`        // udp, tcp
	RoundTrip       float64      `json:"roundTrip"`       // ms, 0 while not known
	Received        []TrackStats `json:"received"`        // from the client
	Sent            []TrackStats `json:"sent"`            // to the client
	Quality         string       `json:"quality"`         // automatic, low, soundOnly
	Capacity        int64        `json:"capacity"`        // believed of the line, bits a second; 0: not bounded
	Queue           float64      `json:"queue"`           // ms that packets are late on the way to the client
}

// TrackStats are the figures of one track or slot.
type TrackStats struct {
	Slot          string  `json:"slot"`
	Codec         string  `json:"codec"`
	Flowing       bool    `json:"flowing"`
	Packets       uint64  `json:"packets"`
	Bytes         uint64  `json:"bytes"`
	Retransmitted uint64  `json:"retransmitted"`
	NACKs         uint64  `json:"nacks"`
	PLIs          uint64  `json:"plis"`
	Lost          uint64  `json:"lost"`
	LossFraction  float64 `json:"lossFraction"` // 0 to 1, of the last report
	Layer         string  `json:"layer"`        // RID that is sent, "" without simulcast
	Paused        string  `json:"paused"`       // "", line, choice
}
