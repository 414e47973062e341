import { tileAt } from '@/map/tiles';
import type { Grid } from './settings';

/** What the map of a phone is made of without a network; the service worker keeps what is fetched. */
const SETS = ['base', 'places'] as const;
const NEAREST = 9;
const DEEPEST = 16;
/** Most tiles of one set: a village of 10 km² has about 60. */
const MOST = 400;
const AT_ONCE = 4;

/** The addresses of all tiles that show those places, the widest first. */
export function tilesOf(grids: readonly Pick<Grid, 'bounds'>[]): string[] {
  const found = new Set<string>();
  for (let z = NEAREST; z <= DEEPEST; z++) {
    for (const { bounds } of grids) {
      const [west = 0, south = 0, east = 0, north = 0] = bounds;
      const a = tileAt(west, north, z);
      const b = tileAt(east, south, z);
      for (let x = a.x; x <= b.x; x++) {
        for (let y = a.y; y <= b.y && found.size < MOST; y++) found.add(`${z}/${x}/${y}`);
      }
    }
  }
  return [...found].flatMap((tile) => SETS.map((set) => `/tiles/${set}/${tile}.mvt`));
}

/** Fetches them all, a few at a time; false when some could not be had. */
export async function keepTiles(grids: readonly Grid[], told: (done: number, all: number) => void): Promise<boolean> {
  const urls = [...SETS.map((set) => `/tiles/${set}.json`), ...tilesOf(grids)];
  let [next, done, whole] = [0, 0, true];
  const worker = async () => {
    while (next < urls.length) {
      const url = urls[next++];
      try {
        if (url) whole = (await fetch(url)).ok && whole;
      } catch {
        whole = false;
      }
      told(++done, urls.length);
    }
  };
  await Promise.all([...Array(AT_ONCE)].map(worker));
  return whole;
}
