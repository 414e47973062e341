import type { LonLat } from '@/core/model';

/** Pixels around the first corner where a click closes the area, and around the last where it is the same corner. */
export const NEAR = 12;

type XY = readonly [number, number];

const side = (a: XY, b: XY, p: XY) => (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
const within = (a: XY, b: XY, p: XY) =>
  p[0] >= Math.min(a[0], b[0]) &&
  p[0] <= Math.max(a[0], b[0]) &&
  p[1] >= Math.min(a[1], b[1]) &&
  p[1] <= Math.max(a[1], b[1]);

/** Whether two edges have a point in common. */
function meet(a: XY, b: XY, c: XY, d: XY): boolean {
  const [p, q, r, s] = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
  if (p * q < 0 && r * s < 0) return true;
  return (
    (p === 0 && within(a, b, c)) ||
    (q === 0 && within(a, b, d)) ||
    (r === 0 && within(c, d, a)) ||
    (s === 0 && within(c, d, b))
  );
}

/**
 * Whether the edges between corners cross or touch anywhere but at their common corners; closed adds the edge from the
 * last to the first. O(n²): for what a hand draws.
 */
export function crosses(corners: readonly LonLat[], closed: boolean): boolean {
  const n = corners.length;
  const edges = closed ? n : n - 1;
  const edge = (i: number): [XY, XY] => [corners[i] ?? [0, 0], corners[(i + 1) % n] ?? [0, 0]];
  for (let i = 0; i < edges; i++) {
    for (let j = i + 1; j < edges; j++) {
      const [[a, b], [c, d]] = [edge(i), edge(j)];
      const follows = j === i + 1;
      const wraps = closed && i === 0 && j === n - 1;
      // Neighbours share a corner: they conflict only when one runs back over the other.
      if (follows && wraps) continue;
      if (follows || wraps) {
        const [from, at, to] = follows ? [a, b, d] : [c, d, b];
        if (side(from, at, to) === 0 && (within(from, at, to) || within(at, to, from))) return true;
      } else if (meet(a, b, c, d)) return true;
    }
  }
  return false;
}

/** What a click at a point of the screen means, given where the corners are on it. */
export function clickMeans(screen: readonly XY[], x: number, y: number): 'close' | 'again' | 'corner' {
  const near = (p: XY | undefined) => !!p && Math.hypot(p[0] - x, p[1] - y) <= NEAR;
  if (screen.length >= 3 && near(screen[0])) return 'close';
  if (near(screen[screen.length - 1])) return 'again';
  return 'corner';
}

/** The corners as an SVG path. */
export function outline(screen: readonly XY[], closed: boolean): string {
  const path = screen.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
  return closed && screen.length > 2 ? `${path}Z` : path;
}
