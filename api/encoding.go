package api

import (
	"strings"

	"onepicture/layers/tile"
)

// preference is the order among encodings that a client likes alike. Zstd first: tiles are kept in it (decision 0011).
var preference = [...]tile.Encoding{tile.Zstd, tile.Brotli, tile.Gzip, tile.Plain}

// unnamed is the weight of an encoding that the client does not write of.
const unnamed = -1

// weights are how much a client likes each encoding, in thousandths; rest is of those that it does not name ("*").
type weights struct {
	named [4]int
	rest  int
}

func (w *weights) of(e tile.Encoding) int {
	if q := w.named[e]; q != unnamed {
		return q
	}
	return w.rest
}

// weigh reads the Accept-Encoding fields (RFC 9110, 12.5.3). Parts that cannot be read count as not written. It makes
// no garbage.
func weigh(fields []string) weights {
	w := weights{[4]int{unnamed, unnamed, unnamed, unnamed}, unnamed}
	for _, field := range fields {
		for field != "" {
			var part string
			part, field, _ = strings.Cut(field, ",")
			name, q, ok := weighed(part)
			switch {
			case !ok:
			case name == "*":
				w.rest = q
			case strings.EqualFold(name, "zstd"):
				w.named[tile.Zstd] = q
			case strings.EqualFold(name, "br"):
				w.named[tile.Brotli] = q
			case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
				w.named[tile.Gzip] = q
			case strings.EqualFold(name, "identity"):
				w.named[tile.Plain] = q
			}
		}
	}
	return w
}

// accepted chooses the encoding that the Accept-Encoding fields like best; ok is false when they refuse all.
func accepted(fields []string) (e tile.Encoding, ok bool) {
	w := weigh(fields)
	best := 0
	for _, candidate := range preference {
		if q := w.of(candidate); q > best {
			e, ok, best = candidate, true, q
		}
	}
	// Bytes as they are may be sent unless they are refused, by name or with all the rest.
	return e, ok || w.of(tile.Plain) == unnamed
}

// weighed reads one part of the field: a name and how much it is liked, in thousandths.
func weighed(part string) (name string, q int, ok bool) {
	name, weight, weighty := strings.Cut(part, ";")
	name = strings.Trim(name, " \t")
	if !weighty {
		return name, 1000, name != ""
	}
	weight = strings.Trim(weight, " \t")
	if len(weight) < 3 || weight[0]|0x20 != 'q' || weight[1] != '=' {
		return "", 0, false
	}
	q, ok = thousandths(weight[2:])
	return name, q, ok && name != ""
}

// thousandths reads a qvalue (RFC 9110, 12.4.2): 0 or 1, with at most three digits after the point, of 1 only zeros.
func thousandths(text string) (int, bool) {
	if len(text) == 0 || len(text) > 5 || text[0] != '0' && text[0] != '1' || len(text) > 1 && text[1] != '.' {
		return 0, false
	}
	q := int(text[0]-'0') * 1000
	for i, unit := 2, 100; i < len(text); i, unit = i+1, unit/10 {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		q += int(text[i]-'0') * unit
	}
	return q, q <= 1000
}
