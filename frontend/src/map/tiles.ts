import type { Bounds } from '@/core/model';

export interface TileID {
  z: number;
  x: number;
  y: number;
}

/** The deepest zoom of any tile source. */
const DEEPEST = 22;
/** Above so many tiles of one zoom a whole source is refreshed instead. */
const MANY = 64;

/** The tile of a zoom that holds a point (Web Mercator, XYZ), clamped to the world. */
export function tileAt(lon: number, lat: number, z: number): TileID {
  const n = 2 ** z;
  const phi = (Math.max(-85.0511, Math.min(85.0511, lat)) * Math.PI) / 180;
  const x = Math.floor(((lon + 180) / 360) * n);
  const y = Math.floor(((1 - Math.asinh(Math.tan(phi)) / Math.PI) / 2) * n);
  const clamp = (v: number) => Math.max(0, Math.min(n - 1, v));
  return { z, x: clamp(x), y: clamp(y) };
}

/** All tiles, of every zoom, that a change within the bounds touches; null when they are too many to name. */
export function tilesTouched(bounds: Bounds): TileID[] | null {
  const [west, south, east, north] = bounds;
  const touched: TileID[] = [];
  for (let z = 0; z <= DEEPEST; z++) {
    const a = tileAt(west, north, z);
    const b = tileAt(east, south, z);
    if ((b.x - a.x + 1) * (b.y - a.y + 1) > MANY) return null;
    for (let x = a.x; x <= b.x; x++) for (let y = a.y; y <= b.y; y++) touched.push({ z, x, y });
  }
  return touched;
}
