import type { MapGeoJSONFeature, Map as MapLibre, PointLike } from 'maplibre-gl';
import type { ActiveLayer } from './input';
import { pickable } from './style';

/** What lies under a point of the map. */
export type Picked =
  | { what: 'event' | 'site'; id: number; title: string }
  | { what: 'cell'; layer: string; count: number | null; lon: number; lat: number }
  | { what: 'place'; code: string; level: number; name: string; nameEn: string };

/** Half the side of the square that a finger or a mouse hits, in pixels. */
const REACH = 7;

/**
 * What a click at a point means, best first: a feature, then a cell, then the places there, deepest first. Only what
 * the page shows can be picked.
 */
export function pickAt(map: MapLibre, x: number, y: number, layers: readonly ActiveLayer[]): Picked[] {
  const box: [PointLike, PointLike] = [
    [x - REACH, y - REACH],
    [x + REACH, y + REACH],
  ];
  const present = pickable(layers).filter((id) => map.getLayer(id));
  const found = present.length ? map.queryRenderedFeatures(box, { layers: present }) : [];
  const picked: Picked[] = [];
  const features = found.filter((f) => !f.layer.id.startsWith('cell/') && f.id !== undefined);
  const near = nearest(map, features, x, y);
  if (near) {
    const { name, title } = near.properties as { name?: string; title?: string };
    const kind = layers.find((l) => near.layer.id.endsWith(`/${l.def.code}`))?.def.kind;
    if (kind === 'event' || kind === 'site') {
      picked.push({ what: kind, id: Number(near.id), title: String(name ?? title ?? '') });
    }
  }
  const cell = nearest(
    map,
    found.filter((f) => f.layer.id.startsWith('cell/')),
    x,
    y,
  );
  if (cell?.geometry.type === 'Point') {
    const [lon = 0, lat = 0] = cell.geometry.coordinates;
    const n = (cell.properties as { n?: number }).n;
    picked.push({ what: 'cell', layer: cell.layer.id.slice(5), count: n ?? null, lon, lat });
  }
  return [...picked, ...placesAt(map, x, y)];
}

function placesAt(map: MapLibre, x: number, y: number): Picked[] {
  if (!map.getLayer('place/pick')) return [];
  const places = map.queryRenderedFeatures([x, y], { layers: ['place/pick'] }).map((f): Picked => {
    const p = f.properties as { code: string; level: number; name: string; name_en?: string };
    return { what: 'place', code: String(p.code), level: Number(p.level), name: p.name, nameEn: p.name_en ?? '' };
  });
  return places.sort((a, b) => (a.what === 'place' && b.what === 'place' ? b.level - a.level : 0));
}

function nearest(map: MapLibre, features: MapGeoJSONFeature[], x: number, y: number): MapGeoJSONFeature | undefined {
  let best: MapGeoJSONFeature | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const f of features) {
    if (f.geometry.type !== 'Point') {
      best ??= f;
      continue;
    }
    const [lon = 0, lat = 0] = f.geometry.coordinates;
    const p = map.project([lon, lat]);
    const d = (p.x - x) ** 2 + (p.y - y) ** 2;
    if (d < least) {
      least = d;
      best = f;
    }
  }
  return best;
}
