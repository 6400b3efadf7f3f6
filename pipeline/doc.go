// Package pipeline moves media in Kurento's words: a Server has MediaPipelines,
// a MediaPipeline has MediaElements that are connected to one another, and a
// WebRtcEndpoint is the element that talks to a browser. A class is one
// pipeline with an endpoint for the presenter and one for each viewer.
//
// It owns the sockets for media (one UDP port, one ICE-TCP port, the TURN
// listeners), the PeerConnections and every goroutine about them. It never
// decodes or encodes, never decides who may see whom, and knows nothing of
// classes, people or signalling.
//
// # Places
//
// The n-th m-line of a kind is a place with a description: default, screen,
// speaker1, speaker2, and then media5 and so on. That holds for what a browser
// sends (sources) and for what it receives (sinks). A viewer negotiates once;
// which source feeds which place is changed by Connect and Disconnect alone.
//
// # Ownership
//
// Server.Close releases its pipelines, a pipeline its elements; each waits for
// the end of its own goroutines. An endpoint has a work queue in which offers,
// candidates and all that pion reports run one after the other; its goroutine
// lives only while there is work. It has one goroutine for each SSRC received,
// one for its sender reports, and on a PeerConnection one for each slot's RTCP;
// a viewer's are in viewer. The workers that send to slots are the Server's.
// Subscribers are called by a goroutine of the element that, too, lives only
// while there are events. The Server has one more while it makes an RSA key,
// once. With a STUN or TURN server an endpoint has some more from
// GatherCandidates to its end. A recorder has one goroutine from Record until its
// file is closed, a player one from Play to the end of the stream.
//
// # Lock order
//
//	Server.mu, alone: nothing is called while it is held
//	MediaPipeline.mu > locks of sfu.UpTrack and sfu.Slot > pion's
//	MediaPipeline.mu > downTrack.mu, dataSource.mu, element events queue
//	WebRtcEndpoint.mu > element events queue, peerBoard.mu, queue.mu, lossMeter.mu
//	mapper.mu, relayPort.mu, allocation.mu, identities.mu, markedListener.mu, alone
//	MediaPipeline.mu > RecorderEndpoint.mu > sfu's, element events queue
//	PlayerEndpoint.mu > playerLoop.mu, element events queue
//	upTrack.mu > sfu's, element events queue
//	lineTap.mu, alone
//	fileRoot.mu, alone; files are created and closed under it
//	rtpMedia.mu > sfu.Layer's; sfu.Slot's > rtpMedia.encMu > element events queue
//	rtpMedia.decMu > element events queue
//	sfu's > recorderInbox.mu
//	sfu's > pion's, viewer.Conn's > those of udp, which nothing is called under
//
// The graph of a pipeline (element's maps) belongs to MediaPipeline.mu, and
// sinks are fed under it. WebRtcEndpoint.mu and MediaPipeline.mu are never held
// together. Events are only queued under a lock; subscribers run without any.
package pipeline
