import { describe, expect, it } from 'vitest';
import { palettes } from '@/map/palette';

type V = readonly [number, number, number];

/** Full dichromacy in linear RGB: Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009), table 1, severity 1.0. */
const EYES: Readonly<Record<string, readonly [V, V, V]>> = {
  'of most people': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'without red': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  'without green': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  'without blue': [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
/** sRGB to XYZ, D65 (IEC 61966-2-1). */
const XYZ: readonly [V, V, V] = [
  [0.4124, 0.3576, 0.1805],
  [0.2126, 0.7152, 0.0722],
  [0.0193, 0.1192, 0.9505],
];
const WHITE: V = [0.9505, 1, 1.089];
const times = (m: readonly [V, V, V], v: V): V => m.map((r) => r[0] * v[0] + r[1] * v[1] + r[2] * v[2]) as unknown as V;
const hex = (h: string): V => [1, 3, 5].map((i) => Number.parseInt(h.slice(i, i + 2), 16) / 255) as unknown as V;
const over = (front: V, back: V, a: number): V => front.map((x, i) => x * a + (back[i] ?? 0) * (1 - a)) as unknown as V;
const linear = (v: V): V => v.map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)) as unknown as V;
/** CIELAB (ISO/CIE 11664-4). */
function lab(v: V): V {
  const shown = v.map((x) => Math.min(1, Math.max(0, x))) as unknown as V;
  const f = times(XYZ, shown).map((x, i) => {
    const t = x / (WHITE[i] ?? 1);
    return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
  });
  const [x = 0, y = 0, z = 0] = f;
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

describe('the ramp over the land', () => {
  for (const [theme, p] of Object.entries(palettes)) {
    it.each(Object.keys(EYES))(`${theme}: eyes %s tell any two classes apart`, (who) => {
      const eyes = EYES[who];
      if (!eyes) throw new Error('no eyes');
      const seen = p.ramp.map((c) => lab(times(eyes, linear(over(hex(c), hex(p.land), p.rampOpacity)))));
      for (const [i, a] of seen.entries()) {
        for (const b of seen.slice(0, i)) {
          // A difference of 2.3 is just noticeable side by side; four times that across a map.
          expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])).toBeGreaterThan(9.2);
        }
      }
    });
  }
});
