package sfu

import "testing"

func TestCodecMatches(t *testing.T) {
	h264 := func(fmtp string) Codec { return Codec{MimeType: "video/H264", ClockRate: 90000, FmtpLine: fmtp} }
	with := func(mime, fmtp string) Codec { return Codec{MimeType: mime, ClockRate: 90000, FmtpLine: fmtp} }
	tests := []struct {
		name              string
		a, b              Codec
		matches, playable bool
	}{
		{name: "case", a: with("video/VP8", ""), b: with("VIDEO/vp8", "max-fs=12288;max-fr=60"), matches: true},
		{name: "another", a: with("video/VP8", ""), b: with("video/VP9", "")},
		{name: "clock rate", a: Codec{MimeType: "audio/L16", ClockRate: 8000}, b: Codec{MimeType: "audio/L16", ClockRate: 16000}},
		{name: "channels", a: Codec{MimeType: "audio/opus", Channels: 2}, b: Codec{MimeType: "audio/opus", Channels: 1}},
		{name: "channels not said", a: Codec{MimeType: "audio/opus", Channels: 2}, b: Codec{MimeType: "audio/opus", FmtpLine: "minptime=10"}, matches: true},
		{name: "VP9 missing profile is 0", a: with("video/VP9", ""), b: with("video/VP9", "profile-id=0"), matches: true},
		{name: "VP9 profile 2", a: with("video/VP9", "profile-id=2"), b: with("video/VP9", "profile-id=0")},
		{name: "AV1 missing profile is 0", a: with("video/AV1", "level-idx=5;profile=0;tier=0"), b: with("video/AV1", ""), matches: true},
		{name: "AV1 profile 1", a: with("video/AV1", "profile=1"), b: with("video/AV1", "")},
		{name: "H265 missing profile is main", a: with("video/H265", "level-id=93;tx-mode=SRST"), b: with("video/h265", "profile-id=1;tier-flag=0;level-id=180"), matches: true},
		{name: "H265 main 10", a: with("video/H265", "profile-id=2"), b: with("video/H265", "profile-id=1")},
		{name: "H265 high tier", a: with("video/H265", "profile-id=1;tier-flag=1"), b: with("video/H265", "")},
		{name: "H264 level", a: h264("profile-level-id=42e01f;packetization-mode=1"), b: h264("packetization-mode=1; profile-level-id=42E034"), matches: true, playable: true},
		{name: "H264 mode", a: h264("profile-level-id=42e01f;packetization-mode=1"), b: h264("profile-level-id=42e01f")},
		{name: "H264 mode 0 plays as 1", a: h264("profile-level-id=42e01f"), b: h264("profile-level-id=42e01f;packetization-mode=1"), playable: true},
		{name: "H264 constrained baseline spelled as main", a: h264("profile-level-id=42e01f"), b: h264("profile-level-id=4d801f"), matches: true, playable: true},
		{name: "H264 constrained baseline plays as baseline", a: h264("profile-level-id=42c01f"), b: h264("profile-level-id=42001f"), playable: true},
		{name: "H264 constrained baseline plays as high", a: h264("profile-level-id=42e01f"), b: h264("profile-level-id=640032"), playable: true},
		{name: "H264 main does not play as constrained baseline", a: h264("profile-level-id=4d001f"), b: h264("profile-level-id=42e01f")},
		{name: "H264 high 4:4:4", a: h264("profile-level-id=f4001f"), b: h264("profile-level-id=f40034"), matches: true, playable: true},
		{name: "H264 none is baseline", a: h264(""), b: h264("profile-level-id=420010"), matches: true, playable: true},
		{name: "H264 broken", a: h264("profile-level-id=zz"), b: h264("profile-level-id=42e01f")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.Matches(tt.b); got != tt.matches {
				t.Errorf("Matches = %v", got)
			}
			if got := tt.b.Matches(tt.a); got != tt.matches {
				t.Errorf("Matches is not symmetric")
			}
			if got := tt.a.playableAs(tt.b); got != tt.playable {
				t.Errorf("playableAs = %v", got)
			}
		})
	}
}

func TestKindString(t *testing.T) {
	if Audio.String() != "audio" || Video.String() != "video" || Kind(0).String() != "unknown" {
		t.Error("wrong names")
	}
}
