import type { ChildFigures, PlaceRef } from '@/core/model';
import type { Metric } from '@/core/url';

/** A child place with the figure that it is ranked and coloured by; null: may not be told, or not known. */
export interface Ranked {
  place: PlaceRef;
  figure: number | null;
  /** Nothing there is for this reader to count. */
  beyond?: boolean;
}

/** Whether density can be told: every child must have an area. Without areas people are counted instead. */
export function hasAreas(children: readonly PlaceRef[]): boolean {
  return children.length > 0 && children.every((c) => (c.areaKm2 ?? 0) > 0);
}

/** The children by a metric, highest first; those without a figure come last. Density is in people per km². */
export function rank(
  children: readonly PlaceRef[],
  figures: readonly ChildFigures[],
  metric: Metric,
  density: boolean,
): Ranked[] {
  const by = new Map(figures.map((f) => [f.code, f]));
  const ranked = children.map((place): Ranked => {
    const f = by.get(place.code);
    if (!f?.reach) return { place, figure: null, beyond: true };
    if (metric !== 'density') return { place, figure: f[metric] };
    if (f.person === null || !density) return { place, figure: f.person };
    return { place, figure: f.person / (place.areaKm2 ?? 1) };
  });
  return ranked.sort((a, b) => (b.figure ?? -1) - (a.figure ?? -1) || (a.place.code < b.place.code ? -1 : 1));
}
