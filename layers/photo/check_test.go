package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"slices"
	"strings"
	"testing"

	"onepicture/layers"
)

// What people send by mistake or on purpose, and the sentence that each is refused with.
func TestAttacksAreRefused(t *testing.T) {
	jpg, pic, wp := jpegFile(t, 64, 48), pngFile(t, 64, 48), file(t, "lossy.webp")
	zip := []byte("PK\x03\x04\x14\x00\x00\x00\x08\x00evil.jar")
	app0 := append([]byte("/*"), bytes.Repeat([]byte{0}, 0x2f2a-4)...)
	gif := []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	arithmetic := bytes.Replace(jpg, []byte{0xff, 0xc0}, []byte{0xff, 0xc9}, 1)
	short := slices.Clone(wp)
	binary.LittleEndian.PutUint32(short[4:], uint32(len(short)))
	for _, c := range []struct {
		name string
		file []byte
		why  string
	}{
		{"nothing", nil, whyUnknown},
		{"text", []byte("hello"), whyUnknown},
		{"SVG with a script", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), whyUnknown},
		{"HTML that calls itself a JPEG", []byte("<html>\xff\xd8\xff\xe0</html>"), whyUnknown},
		{"GIF", gif, whyUnknown},
		{"HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), whyUnknown},
		{"TIFF", []byte("II*\x00\x08\x00\x00\x00"), whyUnknown},
		{"PDF", []byte("%PDF-1.7\n"), whyUnknown},
		{"program", []byte("MZ\x90\x00\x03"), whyUnknown},
		{"JPEG with a ZIP behind it", slices.Concat(jpg, zip), whyMore},
		{"JPEG with a film behind it", slices.Concat(jpg, []byte("\x00\x00\x00\x18ftypmp42")), whyMore},
		{"JPEG with a script in its comment", withSegment(jpg, 0xfe, []byte("<ScRiPt>alert(1)</script>")), whyActive},
		{"JPEG with PHP in its EXIF", withSegment(jpg, 0xe1, []byte("Exif\x00\x00MM\x00*<?php system($_GET[0]);")), whyActive},
		{"JPEG with a PDF in its comment", withSegment(jpg, 0xfe, []byte("%PDF-1.4 1 0 obj")), whyActive},
		{"JPEG with a ZIP in its profile", withSegment(jpg, 0xe2, slices.Concat([]byte("ICC_PROFILE\x00"), zip)), whyActive},
		{"JPEG that is also JavaScript", withSegment(jpg, 0xe0, app0), whyActive},
		{"JPEG that is cut off", jpg[:len(jpg)*2/3], whyDamaged},
		{"JPEG of no scan", []byte("\xff\xd8\xff\xd9"), whyDamaged},
		{"two JPEGs in one", slices.Concat(jpg[:len(jpg)-2], jpg[2:]), whyDamaged},
		{"arithmetic JPEG", arithmetic, whyOddJPEG},
		{"JPEG of 60,000 × 60,000", claims(jpg, 60_000, 60_000), whyLarge},
		{"JPEG of 16,384 × 16,384", claims(jpg, 16_384, 16_384), whyLarge},
		{"progressive JPEG of 39 million pixels", claims(file(t, "progressive.jpg"), 6240, 6240), whyLarge},
		{"JPEG of 1,000 scans", scans(file(t, "progressive.jpg"), 1000), whyOddScans},
		{"PNG of 60,000 × 60,000 in 80 bytes", bomb(60_000, 60_000), whyLarge},
		{"PNG of 2 billion a side", bomb(1<<31-1, 1<<31-1), whyDamaged},
		{"PNG of no side", bomb(0, 5), whyDamaged},
		{"PNG with a ZIP behind it", slices.Concat(pic, zip), whyMore},
		{"PNG with HTML in its text", withChunk(pic, "tEXt", []byte("Comment\x00<html><body onload=x>")), whyActive},
		{"PNG with SVG in its text", withChunk(pic, "iTXt", []byte("XML\x00\x00\x00\x00\x00<svg onload=alert(1)>")), whyActive},
		{"PNG that moves", withChunk(pic, "acTL", make([]byte, 8)), whyMoving},
		{"PNG with an unknown part that one must know", withChunk(pic, "EVIL", nil), whyDamaged},
		{"PNG with a chunk longer than the file", slices.Concat([]byte(pngSignature), []byte("\xff\xff\xff\xffIHDR"), make([]byte, 40)), whyDamaged},
		{"PNG that is cut off", pic[:len(pic)-5], whyDamaged},
		{"WebP with a ZIP behind it", slices.Concat(wp, zip), whyMore},
		{"WebP with a ZIP as a part", riff(slices.Concat(wp, []byte("evil\x04\x00\x00\x00PK\x03\x04"))), whyMore},
		{"WebP with a script in its XMP", riff(slices.Concat(wp, []byte("XMP \x08\x00\x00\x00<script>"))), whyActive},
		{"WebP that moves", riff(slices.Concat(wp, []byte("ANIM\x06\x00\x00\x00"), make([]byte, 6))), whyMoving},
		{"WebP that is cut off", wp[:len(wp)-9], whyDamaged},
		{"WebP of a wrong length", short, whyDamaged},
		{"WebP of nothing", riff([]byte("RIFF\x00\x00\x00\x00WEBP")), whyDamaged},
	} {
		f, err := check(c.file)
		var e *layers.Error
		switch {
		case err == nil:
			t.Errorf("%s was taken: %+v", c.name, f)
		case !errors.As(err, &e) || e.Code != layers.CodeInvalid || e.Field != "photo" || e.Message != c.why:
			t.Errorf("%s: %v, want: %s", c.name, err, c.why)
		}
	}
}

func TestHonestPicturesAreTaken(t *testing.T) {
	jpg := jpegFile(t, 64, 48)
	for name, b := range map[string][]byte{
		"JPEG": jpg, "PNG": pngFile(t, 64, 48), "lossy WebP": file(t, "lossy.webp"), "lossless WebP": file(t, "lossless.webp"),
		"progressive JPEG": file(t, "progressive.jpg"), "JPEG with zeros behind it": append(slices.Clone(jpg), 0, 0, 0),
		"JPEG with EXIF":      withSegment(jpg, 0xe1, exif(binary.BigEndian, 6)),
		"JPEG with XMP":       withSegment(jpg, 0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta><rdf:RDF/></x:xmpmeta>")),
		"JPEG with a comment": withSegment(jpg, 0xfe, []byte("江湾路 18 号")),
		"PNG with text":       withChunk(pngFile(t, 8, 8), "tEXt", []byte("Author\x00somebody")),
		"one pixel":           pngFile(t, 1, 1),
	} {
		album := testAlbum(t)
		r, err := album.render(t.Context(), b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, out := range [][]byte{r.large, r.small} {
			if f, err := check(out); err != nil || f.format != JPEG {
				t.Errorf("%s became %v, %v", name, f.format, err)
			}
		}
	}
}

// However the camera was held, red stands top left in the end, and nothing of the block that said so is left.
func TestPicturesStandUpright(t *testing.T) {
	album := testAlbum(t)
	upright := fit(quarters(64, 48), Large)
	for o := 1; o <= 8; o++ {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			var lying bytes.Buffer
			lying.Write(encoded(t, inverse(upright, o)))
			file := withSegment(lying.Bytes(), 0xe1, exif(order, uint16(o)))
			r, err := album.render(t.Context(), file)
			if err != nil {
				t.Fatalf("orientation %d: %v", o, err)
			}
			if r.width != 64 || r.height != 48 {
				t.Errorf("orientation %d: %d × %d", o, r.width, r.height)
			}
			m, err := decode(JPEG, r.large)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range []struct{ x, y, want int }{{8, 8, 'r'}, {56, 8, 'g'}, {8, 40, 'b'}, {56, 40, 'w'}} {
				if got := hue(m, q.x, q.y); got != q.want {
					t.Errorf("orientation %d: %c at %d,%d, want %c", o, got, q.x, q.y, q.want)
				}
			}
			for _, never := range []string{"Exif", "GPS", "SECRET"} {
				if bytes.Contains(r.large, []byte(never)) || bytes.Contains(r.small, []byte(never)) {
					t.Errorf("orientation %d: %s is still there", o, never)
				}
			}
		}
	}
}

func TestPicturesAreMadeSmall(t *testing.T) {
	album := testAlbum(t)
	for _, c := range []struct {
		w, h                   int
		largeW, largeH, smallW int
	}{
		{3200, 2400, 1600, 1200, 320}, {900, 3600, 400, 1600, 80}, {100, 50, 100, 50, 100}, {16_000, 10, 1600, 1, 320},
	} {
		r, err := album.render(t.Context(), pngFile(t, c.w, c.h))
		if err != nil {
			t.Fatal(err)
		}
		small, err := decode(JPEG, r.small)
		if err != nil {
			t.Fatal(err)
		}
		if r.width != c.largeW || r.height != c.largeH || small.Bounds().Dx() != c.smallW {
			t.Errorf("%d × %d became %d × %d and %d wide", c.w, c.h, r.width, r.height, small.Bounds().Dx())
		}
	}
}

// What is not there is white, not black.
func TestGlassIsWhite(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	r, err := testAlbum(t).render(t.Context(), encodedPNG(t, m))
	if err != nil {
		t.Fatal(err)
	}
	out, err := decode(JPEG, r.large)
	if err != nil {
		t.Fatal(err)
	}
	if hue(out, 16, 16) != 'w' {
		t.Errorf("%v", out.At(16, 16))
	}
}

func FuzzCheck(f *testing.F) {
	jpg := jpegFile(f, 16, 16)
	for _, seed := range [][]byte{
		jpg, pngFile(f, 16, 16), file(f, "lossy.webp"), file(f, "lossless.webp"), file(f, "progressive.jpg"),
		withSegment(jpg, 0xe1, exif(binary.LittleEndian, 6)), bomb(9, 9), {}, []byte("\xff\xd8\xff"), []byte("RIFF\x04\x00\x00\x00WEBP"),
	} {
		f.Add(seed)
	}
	album := testAlbum(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		facts, err := check(b)
		if err != nil {
			var e *layers.Error
			if !errors.As(err, &e) || e.Code != layers.CodeInvalid || strings.TrimSpace(e.Message) == "" {
				t.Fatalf("refused without a word: %v", err)
			}
			return
		}
		if w, h := facts.config.Width, facts.config.Height; w*h > 1<<20 { // within limits, but slow to try a million times
			return
		}
		r, err := album.render(t.Context(), b)
		if err != nil {
			if layers.CodeOf(err) != layers.CodeInvalid {
				t.Fatal(err)
			}
			return
		}
		if _, err := check(r.large); err != nil || r.width > Large || r.height > Large {
			t.Fatalf("drew %d × %d: %v", r.width, r.height, err)
		}
	})
}

func FuzzOrientation(f *testing.F) {
	f.Add(exif(binary.BigEndian, 8))
	f.Add(exif(binary.LittleEndian, 3)[6:])
	f.Add([]byte("Exif\x00\x00II*\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, o := range []int{orientation(b), orientationTIFF(b)} {
			if o < 0 || o > 8 {
				t.Fatal(o)
			}
		}
	})
}
