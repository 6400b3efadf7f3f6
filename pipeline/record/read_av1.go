package record

// obus walks over the units of a temporal unit, which all have sizes in files; false: it makes no sense.
func obus(data []byte, each func(kind byte, unit []byte)) bool {
	for len(data) > 0 {
		head := 1
		if data[0]&4 != 0 {
			head = 2
		}
		if data[0]&2 == 0 { // without a size only the last one may be
			each(data[0]>>3&15, data)
			return true
		}
		if len(data) < head {
			return false
		}
		n, used := leb128(data[head:])
		if used == 0 || n > len(data)-head-used {
			return false
		}
		each(data[0]>>3&15, data[:head+used+n])
		data = data[head+used+n:]
	}
	return true
}

func av1HasSequence(data []byte) (has bool) {
	obus(data, func(kind byte, _ []byte) { has = has || kind == obuSequence })
	return has
}

// av1WithoutDelimiters: they do not travel (RTP payload format for AV1, section 5).
func av1WithoutDelimiters(data []byte) (out []byte) {
	obus(data, func(kind byte, unit []byte) {
		if kind != obuDelimiter && kind != obuPadding {
			out = append(out, unit...)
		}
	})
	return out
}

// av1BeginsSequence looks at the beginning of a temporal unit: a sequence header stands first, behind the delimiter.
func av1BeginsSequence(head []byte) bool {
	for len(head) >= 2 {
		kind := head[0] >> 3 & 15
		if kind != obuDelimiter {
			return kind == obuSequence
		}
		head = head[2:]
	}
	return false
}
