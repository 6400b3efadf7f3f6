package kurento

// dscp are the code points of Kurento's names. AUDIO, VIDEO and DATA are the
// rows of RFC 8837, section 5, with the columns very low, low, medium and high;
// where that allows two for pictures, the names with THROUGHPUT have the one of
// the other drop precedence. CHROME is what Chrome once took for all media. CS0 to CS7 are of
// RFC 2474, AF of RFC 2597, EF of RFC 3246, VOICEADMIT of RFC 5865, LE of RFC
// 8622. NO_VALUE and NO_DSCP leave packets as they are.
var dscp = map[string]int{
	"NO_VALUE": 0, "NO_DSCP": 0,
	"AUDIO_VERYLOW": 1, "AUDIO_LOW": 0, "AUDIO_MEDIUM": 46, "AUDIO_HIGH": 46,
	"VIDEO_VERYLOW": 1, "VIDEO_LOW": 0, "VIDEO_MEDIUM": 36, "VIDEO_MEDIUM_THROUGHPUT": 38, "VIDEO_HIGH": 36, "VIDEO_HIGH_THROUGHPUT": 34,
	"DATA_VERYLOW": 1, "DATA_LOW": 0, "DATA_MEDIUM": 10, "DATA_HIGH": 18,
	"CHROME_HIGH": 56, "CHROME_MEDIUM": 56, "CHROME_LOW": 0, "CHROME_VERYLOW": 8,
	"CS0": 0, "CS1": 8, "CS2": 16, "CS3": 24, "CS4": 32, "CS5": 40, "CS6": 48, "CS7": 56,
	"AF11": 10, "AF12": 12, "AF13": 14, "AF21": 18, "AF22": 20, "AF23": 22,
	"AF31": 26, "AF32": 28, "AF33": 30, "AF41": 34, "AF42": 36, "AF43": 38,
	"EF": 46, "VOICEADMIT": 44, "LE": 1,
}
