// Package pipelinetest has browsers for tests: pion clients that behave like
// the class page. A Presenter sends generated VP8 pictures and Opus sound at
// their real rate; a Viewer receives on the eight fixed places of a class and
// checks what arrives: sequence, order of frames, key frames, which source. Both
// run over the loopback interface or over a virtual Network with loss, delay and
// reordering.
//
// It knows nothing of package pipeline: a test hands the offer to whatever
// answers it, an endpoint, a class or a whole server. It decodes no pictures;
// "decodable" means that every packet of the frame and of all frames since the
// last key frame came.
package pipelinetest
