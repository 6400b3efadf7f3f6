// Package record writes what comes as RTP into files: WebM, Matroska and MP4. It puts packets in order, frames together
// and times onto one line, and it never decodes.
//
// And it reads files, WebM, Matroska, MP4, IVF and Ogg, and gives what is in them as it is sent.
//
// A Recording has at most one stream of sound and one of pictures at a time. It owns the files that it has created by
// Config.Create until Close. It has no goroutine, no timer and no lock: whoever owns a Recording calls it from one
// goroutine and says what time it is. Writing blocks as long as the disk does; what must not wait for a disk keeps a
// queue in front of it. A Reader is like it, and does not close what it reads from. It trusts no byte of a file.
package record
