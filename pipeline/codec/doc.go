// Package codec reads what a forwarding server must know of an RTP payload without decoding it: whether a
// key frame begins in it, which temporal layer it belongs to, and where the picture numbers stand.
//
// It owns the payload descriptors of VP8, VP9, H264, H265, AV1 and Opus. It never allocates, never keeps a payload
// and never trusts one: empty, cut and hostile payloads give "not a key frame" or ok == false, no panic.
// It holds no locks and no state.
package codec
