import type { Map as MapLibre } from 'maplibre-gl';
import { attendance } from '@/core/attended';
import { type ActiveLayer, sourceOf } from './input';

/** Tiles of the next moment that are fetched ahead at most: two walls full of them. */
const MOST = 80;

/** The address of a tile of events at a moment; '' is now. Other tiles have no past: null. */
export function momentTile(url: string, moment: string, layers: readonly ActiveLayer[]): string | null {
  const { pathname } = new URL(url, location.origin);
  const code = /^\/tiles\/([a-z0-9_]+)\/\d+\/\d+\/\d+\.mvt$/.exec(pathname)?.[1];
  if (!layers.some((l) => l.def.code === code && l.def.kind === 'event')) return null;
  return moment ? `${url}?at=${moment}` : url;
}

/**
 * Shows tiles of events as they were at a moment. One moment is under way at a time: the picture before stays until the
 * tiles of the next have come, and the last one that is wished for meanwhile follows. What is shown next is fetched ahead.
 */
export function createMoments(layers: () => readonly ActiveLayer[], drawn: (moment: string) => void) {
  let map: MapLibre | null = null;
  let moment = '';
  let wanted = '';
  let next = '';
  let busy = false;
  /** Addresses, of now, that the present picture is made of. */
  const asked = new Set<string>();

  /** Fetches what the next picture is made of into the browser's cache. */
  async function fetchNext() {
    const ahead = next;
    if (!moment || !ahead) return;
    await Promise.allSettled(
      [...asked].map(async (url) => {
        const answer = await fetch(momentTile(url, ahead, layers()) ?? url, { headers: attendance() });
        await answer.arrayBuffer();
      }),
    );
  }
  function apply() {
    const opened = map;
    if (!opened) return;
    busy = true;
    moment = wanted;
    asked.clear();
    for (const { def } of layers()) {
      const id = sourceOf(def.code);
      if (def.kind === 'event' && opened.getSource(id)) opened.refreshTiles(id);
    }
    opened.triggerRepaint();
    opened.once('idle', async () => {
      const shown = moment;
      if (wanted === shown) {
        await fetchNext();
        drawn(shown);
      }
      busy = false;
      if (wanted !== moment) apply();
    });
  }
  return {
    /** The address to ask for in place of one that the style names. */
    address(url: string): string {
      const at = momentTile(url, moment, layers());
      if (at === null) return url;
      asked.add(url);
      const [oldest] = asked;
      if (asked.size > MOST && oldest) asked.delete(oldest);
      return at;
    },
    /** From now on this is the map; it is drawn at the moment that was wished for last. */
    begin(opened: MapLibre) {
      map = opened;
      opened.once('idle', () => {
        drawn(moment);
        if (wanted !== moment && !busy) apply();
      });
    },
    show(to: string, after: string) {
      wanted = to;
      next = after;
      if (!map) moment = to;
      else if (!busy && wanted !== moment) apply();
    },
    end() {
      map = null;
    },
  };
}
