package api

import (
	"bytes"

	"github.com/klauspost/compress/flate"
)

// packHead begins a gzip stream without name or time (RFC 1952, 2.3).
var packHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

// pack is b as a part of a gzip stream: it refers to nothing before it and ends at a byte, so that what thousands of
// streams are told is packed once, whatever each was told before. The stream never ends, and so needs no checksum.
func pack(b []byte) []byte {
	var out bytes.Buffer
	_ = flate.StatelessDeflate(&out, b, false, nil) // a buffer takes everything
	return out.Bytes()
}
