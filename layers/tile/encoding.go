package tile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"onepicture/layers/index"
)

// Encoding is how a tile's bytes are packed. The zero value is not at all.
type Encoding uint8

// The encodings. Zstd is the one in which tiles are built and kept: it costs least of all to make and to open.
const (
	Plain Encoding = iota
	Gzip
	Brotli
	Zstd
)

// Encodings are all of them.
var Encodings = []Encoding{Plain, Gzip, Brotli, Zstd}

// String is the name of the content coding (RFC 9110, 8.4.1; RFC 7932; RFC 8878).
func (e Encoding) String() string { return [...]string{"identity", "gzip", "br", "zstd"}[e] }

// The levels, chosen by measuring tiles of the synthetic city (docs/decisions/0011): the time of all of them together
// beside that of the standard library's gzip at level 5, and their bytes beside the plain ones.
const (
	gzipLevel   = 7                 // 0.63 of the time, 0.338 of the bytes
	brotliLevel = 2                 // of the second writer: 0.38, 0.326
	zstdLevel   = zstd.SpeedDefault // 0.28, 0.335
	maxPlain    = 16 << 20          // no tile is larger; what opens to more is damaged
	window      = 1 << 20           // of zstd; browsers must take 8 MiB (RFC 8878, 3.1.1.1.2)
)

// The makers of streams are costly to make and kept for the next tile. zstd's are safe for concurrent use.
var (
	gzips   = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(io.Discard, gzipLevel); return w }} // the level is valid
	brotlis = sync.Pool{New: func() any { return brotli.NewWriterV2(io.Discard, brotliLevel) }}
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

	zstds = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstdLevel), zstd.WithWindowSize(window), zstd.WithEncoderCRC(false))
	})
	unzstds = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxPlain), zstd.WithDecoderConcurrency(0))
	})
)

// streamer is what gzip's and brotli's writers have in common.
type streamer interface {
	io.WriteCloser
	Reset(io.Writer)
}

// Pack encodes a tile's plain bytes. What it gives is of its own and no larger than needed.
func Pack(e Encoding, plain []byte) ([]byte, error) {
	buf, ok := buffers.Get().(*bytes.Buffer)
	if !ok {
		buf = new(bytes.Buffer)
	}
	defer buffers.Put(buf)
	buf.Reset()
	switch e {
	case Plain:
		return plain, nil
	case Zstd:
		z, err := zstds()
		if err != nil {
			return nil, fmt.Errorf("compress tile: %w", err)
		}
		buf.Grow(z.MaxEncodedSize(len(plain)))
		return bytes.Clone(z.EncodeAll(plain, buf.AvailableBuffer())), nil
	}
	pool := &gzips
	if e == Brotli {
		pool = &brotlis
	}
	w, ok := pool.Get().(streamer)
	if !ok {
		return nil, fmt.Errorf("compress tile: no writer of %s", e)
	}
	defer pool.Put(w)
	w.Reset(buf)
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("compress tile: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress tile: %w", err)
	}
	return bytes.Clone(buf.Bytes()), nil
}

// Unpack gives a tile's plain bytes. Bytes that are not of that encoding, or of more than any tile has, are an error.
func Unpack(e Encoding, packed []byte) ([]byte, error) {
	var r io.Reader
	switch e {
	case Plain:
		return packed, nil
	case Zstd:
		z, err := unzstds()
		if err != nil {
			return nil, fmt.Errorf("open tile: %w", err)
		}
		plain, err := z.DecodeAll(packed, nil)
		if err != nil {
			return nil, fmt.Errorf("open tile: %w", err)
		}
		return plain, nil
	case Gzip:
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, fmt.Errorf("open tile: %w", err)
		}
		r = z
	case Brotli:
		r = brotli.NewReader(bytes.NewReader(packed))
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxPlain+1))
	if err != nil {
		return nil, fmt.Errorf("open tile: %w", err)
	}
	if len(plain) > maxPlain {
		return nil, fmt.Errorf("open tile: it has more than %d bytes", maxPlain)
	}
	return plain, nil
}

// Encode gives a tile that Build has made, in another encoding, and without building it again. Only a tile that fits
// the budget as it is kept and not in that encoding is built anew, of coarser cells, from the same snapshot.
func (b *Builder) Encode(ctx context.Context, s *index.Snapshot, r Request, built []byte, e Encoding) ([]byte, error) {
	if len(built) == 0 || e == Zstd {
		return built, nil
	}
	plain, err := Unpack(Zstd, built)
	if err != nil || e == Plain {
		return plain, err
	}
	packed, err := Pack(e, plain)
	if err != nil || len(packed) <= MaxBytes || r.Set != "" {
		return packed, err
	}
	return b.bounded(ctx, s, r, e)
}
