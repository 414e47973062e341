package photo

import (
	"encoding/binary"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// checkPNG walks the chunks of ISO/IEC 15948, 11. The decoder checks their sums.
func checkPNG(b []byte) (facts, error) {
	f := facts{format: PNG, orientation: 1}
	at := len(pngSignature)
	for first := true; ; first = false {
		if at+12 > len(b) {
			return f, refuse(whyDamaged)
		}
		size := int64(binary.BigEndian.Uint32(b[at:]))
		kind := string(b[at+4 : at+8])
		if size > int64(len(b)-at-12) || first != (kind == "IHDR") {
			return f, refuse(whyDamaged)
		}
		body := b[at+8 : at+8+int(size)]
		at += 12 + int(size)
		switch kind {
		case "IEND":
			if size > 0 || at != len(b) {
				return f, refuse(whyMore)
			}
			return f, nil
		case "IDAT":
			continue
		case "acTL":
			return f, refuse(whyMoving)
		case "eXIf":
			if o := orientationTIFF(body); o != 0 {
				f.orientation = o
			}
		default:
			if kind != "IHDR" && kind != "PLTE" && kind[0]&0x20 == 0 {
				return f, refuse(whyDamaged) // a chunk that one must understand and nobody knows
			}
		}
		if err := notes(body); err != nil {
			return f, err
		}
	}
}

// checkWebP walks the chunks of a RIFF container (RFC 9649, 2.3).
func checkWebP(b []byte) (facts, error) {
	f := facts{format: WebP, orientation: 1}
	size := int64(binary.LittleEndian.Uint32(b[4:]))
	switch {
	case size+8 > int64(len(b)):
		return f, refuse(whyDamaged)
	case size+8 < int64(len(b)):
		return f, refuse(whyMore)
	}
	for at := 12; at < len(b); {
		if at+8 > len(b) {
			return f, refuse(whyDamaged)
		}
		kind, size := string(b[at:at+4]), int64(binary.LittleEndian.Uint32(b[at+4:]))
		if size > int64(len(b)-at-8) {
			return f, refuse(whyDamaged)
		}
		body := b[at+8 : at+8+int(size)]
		at += 8 + int(size+size&1)
		switch kind {
		case "VP8 ", "VP8L", "ALPH":
			continue
		case "VP8X":
		case "ANIM", "ANMF":
			return f, refuse(whyMoving)
		case "EXIF":
			if o := orientation(body); o != 0 {
				f.orientation = o
			} else if o := orientationTIFF(body); o != 0 {
				f.orientation = o
			}
		case "ICCP", "XMP ":
		default:
			return f, refuse(whyMore)
		}
		if err := notes(body); err != nil {
			return f, err
		}
	}
	return f, nil
}
