package photo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// quarters is a picture whose four quarters are red, green, blue and white, by rows.
func quarters(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	colors := [4]color.NRGBA{{R: 255, A: 255}, {G: 255, A: 255}, {B: 255, A: 255}, {255, 255, 255, 255}}
	for y := range h {
		for x := range w {
			q := 0
			if x >= w/2 {
				q++
			}
			if y >= h/2 {
				q += 2
			}
			m.SetNRGBA(x, y, colors[q])
		}
	}
	return m
}

func jpegFile(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, quarters(w, h), &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngFile(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, quarters(w, h)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// withSegment puts a segment after a JPEG's first marker.
func withSegment(b []byte, marker byte, body []byte) []byte {
	s := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2))
	return slices.Concat(b[:2], s, body, b[2:])
}

// withChunk puts a chunk after a PNG's header chunk.
func withChunk(b []byte, kind string, body []byte) []byte {
	const head = len(pngSignature) + 25
	return slices.Concat(b[:head], chunk(kind, body), b[head:])
}

func chunk(kind string, body []byte) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(append(c, kind...), body...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

// exif is an EXIF block that says how the camera was held and where.
func exif(order binary.AppendByteOrder, orientation uint16) []byte {
	b := []byte("Exif\x00\x00MM\x00*")
	if order == binary.LittleEndian {
		b = []byte("Exif\x00\x00II*\x00")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	for _, e := range [][4]uint32{{0x0112, 3, 1, 0}, {0x8825, 4, 1, 26}} {
		b = order.AppendUint16(order.AppendUint16(b, uint16(e[0])), uint16(e[1]))
		b = order.AppendUint32(b, e[2])
		if e[1] == 3 {
			b = order.AppendUint16(order.AppendUint16(b, orientation), 0)
		} else {
			b = order.AppendUint32(b, e[3])
		}
	}
	return append(order.AppendUint32(b, 0), "GPS 22.9 N 113.6 E SECRET-CAMERA"...)
}

// bomb is a PNG of few bytes that says to be w × h pixels.
func bomb(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	head = append(head, 8, 6, 0, 0, 0)
	return slices.Concat([]byte(pngSignature), chunk("IHDR", head), chunk("IDAT", []byte("\x78\x9c\x03\x00\x00\x00\x00\x01")), chunk("IEND", nil))
}

// claims gives a JPEG another size in its frame header.
func claims(b []byte, w, h uint16) []byte {
	b = slices.Clone(b)
	at := bytes.Index(b, []byte{0xff, 0xc0})
	if at < 0 {
		at = bytes.Index(b, []byte{0xff, 0xc2})
	}
	binary.BigEndian.PutUint16(b[at+5:], h)
	binary.BigEndian.PutUint16(b[at+7:], w)
	return b
}

// scans repeats the last scan of a progressive JPEG.
func scans(b []byte, times int) []byte {
	at := bytes.LastIndex(b, []byte{0xff, 0xda})
	last := b[at : len(b)-2]
	return slices.Concat(b[:at], bytes.Repeat(last, times), b[len(b)-2:])
}

// riff mends the size of a WebP after something was added.
func riff(b []byte) []byte {
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}
