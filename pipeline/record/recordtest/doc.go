// Package recordtest gives tests real media, made by ffmpeg, and reads with ffprobe what was written. It owns nothing
// but what it puts into the test's temporary folder.
package recordtest
