package photo

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"onepicture/layers"
)

// rendered is a picture drawn anew: nothing of the file that came is in it but what could be seen.
type rendered struct {
	large, small  []byte // JPEG
	width, height int    // of the large one
}

// render checks a file, opens it and draws it in both sizes, upright, on white. Pictures that need much memory wait
// for one another.
func (a *Album) render(ctx context.Context, b []byte) (rendered, error) {
	f, err := check(b)
	if err != nil {
		return rendered{}, err
	}
	need := min(f.memory(), memory)
	if err := a.opened.Acquire(ctx, need); err != nil {
		return rendered{}, layers.Unavailable(5*time.Second, "many photos come at once; try again", err)
	}
	defer a.opened.Release(need)
	source, err := decode(f.format, b)
	if err != nil {
		return rendered{}, refuse(whyDamaged)
	}
	large := turn(fit(source, Large), f.orientation)
	small := fit(large, Small)
	r := rendered{width: large.Bounds().Dx(), height: large.Bounds().Dy()}
	if r.large, err = encode(large); err == nil {
		r.small, err = encode(small)
	}
	return r, err
}

func decode(f Format, b []byte) (image.Image, error) {
	r := bytes.NewReader(b)
	switch f {
	case JPEG:
		return jpeg.Decode(r)
	case PNG:
		return png.Decode(r)
	case WebP:
		return webp.Decode(r)
	}
	return nil, fmt.Errorf("no decoder for %s", f)
}

func encode(m image.Image) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("write the photo: %w", err)
	}
	return out.Bytes(), nil
}

// fit draws a picture on white so that its longer side is at most so many pixels; smaller ones keep their size.
func fit(source image.Image, side int) *image.RGBA {
	b := source.Bounds()
	w, h := b.Dx(), b.Dy()
	if longer := max(w, h); longer > side {
		w, h = max(1, w*side/longer), max(1, h*side/longer)
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	op := draw.Src
	if o, ok := source.(interface{ Opaque() bool }); ok && !o.Opaque() {
		draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
		op = draw.Over
	}
	draw.BiLinear.Scale(out, out.Bounds(), source, b, op, nil)
	return out
}

// turn brings a picture upright whose rows and columns EXIF says lie otherwise.
func turn(m *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return m
	}
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	tw, th := w, h
	if orientation >= 5 {
		tw, th = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, tw, th))
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			copy(out.Pix[out.PixOffset(tx, ty):][:4], m.Pix[m.PixOffset(x, y):][:4])
		}
	}
	return out
}
