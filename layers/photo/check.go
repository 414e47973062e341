package photo

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/webp"

	"onepicture/layers"
)

// Format is what a file is by its content; its name and its declared type are never asked.
type Format string

// The formats that are taken.
const (
	JPEG Format = "jpeg"
	PNG  Format = "png"
	WebP Format = "webp"
)

// facts are what is known of a file before a pixel is decoded.
type facts struct {
	format      Format
	config      image.Config
	progressive bool // a JPEG that keeps all coefficients in memory
	orientation int  // 1 … 8 as in EXIF 2.32, 4.6.4 A; 1: upright
}

// refuse says why a file is not taken, in words for whoever sends it.
func refuse(why string) *layers.Error { return layers.Invalid("photo", "%s", why) }

// The sentences of refusal.
const (
	whyUnknown  = "is not a JPEG, PNG or WebP picture; take it again with the camera or choose another"
	whyDamaged  = "is damaged or incomplete; choose it again"
	whyMore     = "holds more than a picture; take it again with the camera"
	whyActive   = "holds hidden text or another file; take it again with the camera"
	whyMoving   = "is a moving picture; send a still one"
	whyLarge    = "has too many pixels; at most 40 million, and 16,384 a side"
	whyOddJPEG  = "is a kind of JPEG that cannot be read; take it again with the camera"
	whyOddScans = "is built in too many layers; take it again with the camera"
)

// check looks at a whole file: what it is, that it is one picture and nothing else, and what it takes to open it. It
// decodes no pixel; its cost is one pass over the bytes.
func check(b []byte) (facts, error) {
	var f facts
	var err error
	var config func() (image.Config, error)
	r := bytes.NewReader(b)
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		f, err = checkJPEG(b)
		config = func() (image.Config, error) { return jpeg.DecodeConfig(r) }
	case bytes.HasPrefix(b, []byte(pngSignature)):
		f, err = checkPNG(b)
		config = func() (image.Config, error) { return png.DecodeConfig(r) }
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		f, err = checkWebP(b)
		config = func() (image.Config, error) { return webp.DecodeConfig(r) }
	default:
		return f, refuse(whyUnknown)
	}
	if err != nil {
		return f, err
	}
	if f.config, err = config(); err != nil {
		return f, refuse(whyDamaged)
	}
	w, h := f.config.Width, f.config.Height
	switch {
	case w <= 0 || h <= 0:
		return f, refuse(whyDamaged)
	case w > MaxSide || h > MaxSide || w*h > MaxPixels || f.memory() > maxMemory:
		return f, refuse(whyLarge)
	}
	return f, nil
}

// memory is the most bytes that the decoder needs: planes of samples, and for a progressive JPEG its coefficients of
// four bytes a sample beside them (image/jpeg, scan.go). Rounded up by blocks of 16 a side.
func (f facts) memory() int64 {
	w, h := int64(f.config.Width+31), int64(f.config.Height+31)
	perPixel := int64(3)
	switch f.format {
	case JPEG:
		if f.config.ColorModel == color.CMYKModel {
			perPixel = 4
		}
		if f.progressive {
			perPixel *= 5
		}
	case PNG:
		perPixel = 4
		if m := f.config.ColorModel; m == color.RGBA64Model || m == color.NRGBA64Model || m == color.Gray16Model {
			perPixel = 8
		}
	case WebP:
		perPixel = 8 // the lossless kind holds pixels and their transform
	}
	return w * h * perPixel
}

// active are beginnings of what a program would run or unpack. They stand in no honest picture's notes.
var active = [][]byte{
	[]byte("<script"), []byte("<html"), []byte("<!doctype"), []byte("<svg"), []byte("<iframe"), []byte("<?php"), []byte("<body"),
	[]byte("javascript:"), []byte("%pdf-"), []byte("pk\x03\x04"), []byte("pk\x05\x06"), []byte("rar!\x1a"), []byte("7z\xbc\xaf"),
	[]byte("#!/"),
}

// notes refuses a picture whose notes (comments, EXIF, profiles …) hold another file or something to be run.
func notes(b []byte) error {
	lower := bytes.ToLower(b)
	for _, a := range active {
		if bytes.Contains(lower, a) {
			return refuse(whyActive)
		}
	}
	return nil
}
