package photo

import (
	"bytes"
	"encoding/binary"
)

// orientation reads the orientation from an EXIF block with its prefix; 0 when it says nothing that can be read.
func orientation(b []byte) int {
	tiff, ok := bytes.CutPrefix(b, []byte("Exif\x00\x00"))
	if !ok {
		return 0
	}
	return orientationTIFF(tiff)
}

// orientationTIFF reads tag 0x0112 of the first directory (TIFF 6.0, section 2; EXIF 2.32, 4.6.4): 1 … 8, 0 for none.
func orientationTIFF(b []byte) int {
	if len(b) < 8 {
		return 0
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	at := int64(order.Uint32(b[4:]))
	if at < 8 || at+2 > int64(len(b)) {
		return 0
	}
	entries := int64(order.Uint16(b[at:]))
	for i := range entries {
		e := at + 2 + 12*i
		if e+12 > int64(len(b)) {
			return 0
		}
		const tag, short = 0x0112, 3
		if order.Uint16(b[e:]) == tag && order.Uint16(b[e+2:]) == short && order.Uint32(b[e+4:]) == 1 {
			if o := int(order.Uint16(b[e+8:])); o >= 1 && o <= 8 {
				return o
			}
			return 0
		}
	}
	return 0
}
