package photo

import (
	"bytes"
	"encoding/binary"
)

// mostScans bounds the passes of a progressive JPEG: each costs a walk over the whole picture however few bytes it
// has. Encoders use about ten.
const mostScans = 24

// checkJPEG walks the segments of ITU-T T.81, Annex B. Nothing may stand after the end of the image but zeros, which
// some cameras add.
func checkJPEG(b []byte) (facts, error) {
	f := facts{format: JPEG, orientation: 1}
	frames, scans := 0, 0
	for at := 2; ; {
		marker, body, next, ok := segment(b, at)
		if !ok {
			return f, refuse(whyDamaged)
		}
		at = next
		switch {
		case marker == 0xd9: // EOI
			if frames != 1 || scans == 0 {
				return f, refuse(whyDamaged)
			}
			if len(bytes.TrimRight(b[at:], "\x00")) > 0 {
				return f, refuse(whyMore)
			}
			return f, nil
		case marker == 0xc0 || marker == 0xc1 || marker == 0xc2: // SOF: baseline, extended, progressive
			frames++
			f.progressive = f.progressive || marker == 0xc2
			continue
		case marker == 0xc4: // DHT, among the numbers of frames
		case marker >= 0xc3 && marker <= 0xcf: // lossless, hierarchical, arithmetic
			return f, refuse(whyOddJPEG)
		case marker == 0xda: // SOS
			if scans++; scans > mostScans {
				return f, refuse(whyOddScans)
			}
			at = entropyEnd(b, at)
			continue
		case marker == 0xe0 && !jfif(body):
			return f, refuse(whyActive)
		case marker == 0xe1:
			if o := orientation(body); o != 0 {
				f.orientation = o
			}
		}
		if err := notes(body); err != nil {
			return f, err
		}
	}
}

// segment reads the marker at an offset, with its body where it has one.
func segment(b []byte, at int) (marker byte, body []byte, next int, ok bool) {
	if at >= len(b) || b[at] != 0xff {
		return 0, nil, 0, false
	}
	for at < len(b) && b[at] == 0xff { // fill bytes
		at++
	}
	if at >= len(b) {
		return 0, nil, 0, false
	}
	marker = b[at]
	at++
	switch {
	case marker == 0xd9:
		return marker, nil, at, true
	case marker < 0xc0 || marker >= 0xd0 && marker <= 0xd8: // stray restarts and starts, reserved numbers
		return 0, nil, 0, false
	case at+2 > len(b):
		return 0, nil, 0, false
	}
	size := int(binary.BigEndian.Uint16(b[at:]))
	if size < 2 || at+size > len(b) {
		return 0, nil, 0, false
	}
	return marker, b[at+2 : at+size], at + size, true
}

// entropyEnd is where the coded data of a scan ends: at a marker that is neither a stuffed byte nor a restart.
func entropyEnd(b []byte, at int) int {
	for ; at+1 < len(b); at++ {
		if b[at] != 0xff {
			continue
		}
		if m := b[at+1]; m != 0 && m != 0xff && (m < 0xd0 || m > 0xd7) {
			return at
		}
	}
	return len(b)
}

// jfif tells whether an APP0 is one of the JPEG File Interchange Format, of its right size. A length that is chosen
// freely makes the first bytes of a picture read as a script.
func jfif(body []byte) bool {
	switch {
	case bytes.HasPrefix(body, []byte("JFIF\x00")):
		return len(body) >= 14 && len(body) == 14+3*int(body[12])*int(body[13])
	case bytes.HasPrefix(body, []byte("JFXX\x00")):
		return true
	case bytes.HasPrefix(body, []byte("AVI1")), bytes.HasPrefix(body, []byte("Ocad")): // old cameras
		return len(body) <= 64
	}
	return false
}
