package api

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// unpack reads parts as the beginning of a gzip stream that does not end.
func unpack(t interface{ Fatal(...any) }, parts ...[]byte) string {
	stream := append([]byte{}, packHead...)
	for _, p := range parts {
		stream = append(stream, p...)
	}
	r, err := gzip.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal("the stream ends with", err)
	}
	return string(text)
}

// Parts follow one another in any order and any number, each readable when it has come.
func TestPartsFollowOneAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.OneOf(
			rapid.Just(""), rapid.StringN(1, 200, -1), rapid.StringOfN(rapid.RuneFrom([]rune("data: abc\n")), 0, 9000, -1),
		), 1, 4).Draw(t, "texts")
		var parts [][]byte
		var want string
		for range rapid.IntRange(1, 6).Draw(t, "n") {
			text := rapid.SampledFrom(texts).Draw(t, "text")
			parts, want = append(parts, pack([]byte(text))), want+text
			if got := unpack(t, parts...); got != want {
				t.Fatalf("after %d parts %d bytes are read, not %d", len(parts), len(got), len(want))
			}
		}
	})
}
