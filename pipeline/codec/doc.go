// Package codec reads what an SFU must know of a payload without decoding it: where key frames begin,
// which temporal layer a packet belongs to, and where the picture numbers stand.
package codec
