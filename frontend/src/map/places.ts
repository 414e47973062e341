import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl';
import { nameOf } from './base';
import { PLACES, type StyleInput } from './input';
import type { Palette } from './palette';

const AREAS = { source: PLACES, 'source-layer': 'place' } as const;
const POINTS = { source: PLACES, 'source-layer': 'place_label' } as const;
const LEVEL: ExpressionSpecification = ['get', 'level'];

/** Levels of places: 1 city … 4 grid. */
const GRID = 4;

/** The class of a place's figure in its feature state: 0 … 6, absent where there is none. */
export const STATE = 'class';
const CLASS: ExpressionSpecification = ['coalesce', ['feature-state', STATE], -1];
const COLORED: ExpressionSpecification = ['>=', CLASS, 0];

/** Land where no base map is loaded, the figures of the child places, and the dimming of the rest. */
export function placeFills(palette: Palette, input: StyleInput, hatch: string): LayerSpecification[] {
  const children = (input.selected?.level ?? 1) + 1;
  const colors = palette.ramp.flatMap((color, i) => (i === 0 ? [color] : [i - 0.5, color]));
  return [
    {
      id: 'place/land',
      type: 'fill',
      ...AREAS,
      filter: ['==', LEVEL, 1],
      paint: { 'fill-color': palette.land, 'fill-opacity': 0.5 },
    },
    {
      id: 'place/figure',
      type: 'fill',
      ...AREAS,
      filter: ['==', LEVEL, children],
      paint: {
        'fill-color': ['step', CLASS, ...colors] as unknown as ExpressionSpecification,
        'fill-opacity': [
          'interpolate',
          ['linear'],
          ['zoom'],
          ...[11, visible(palette.rampOpacity), 15, visible(palette.rampOpacity * 0.6)],
        ] as unknown as ExpressionSpecification,
      },
    },
    {
      id: 'place/hatch',
      type: 'fill',
      ...AREAS,
      filter: ['all', ['==', LEVEL, children], ['in', ['get', 'code'], ['literal', [...input.hatched]]]],
      paint: { 'fill-pattern': hatch, 'fill-opacity': 0.55 },
    },
    {
      // Nothing to see, but it can be picked wherever it is drawn.
      id: 'place/pick',
      type: 'fill',
      ...AREAS,
      paint: { 'fill-color': palette.land, 'fill-opacity': 0 },
    },
  ];
}

const visible = (opacity: number): ExpressionSpecification => ['case', COLORED, opacity, 0];

/** Boundaries by level, the rest dimmed, the selected place outlined. */
export function placeLines(palette: Palette, input: StyleInput): LayerSpecification[] {
  const selected = input.selected;
  const child = (selected?.level ?? 1) + 1;
  const width = (k: number): ExpressionSpecification => [
    'interpolate',
    ['linear'],
    ['zoom'],
    ...[8, 0.5 * k, 12, 1.1 * k, 16, 1.8 * k],
  ];
  const lines: LayerSpecification[] = [4, 3, 2, 1].map((level) => ({
    id: `place/line-${level}`,
    type: 'line',
    ...AREAS,
    filter: ['==', LEVEL, level],
    layout: { 'line-join': 'round' },
    paint: {
      // Dark between coloured places; where there is no figure, light enough to be seen on the ground.
      'line-color': level <= child ? ['case', COLORED, palette.border, palette.coast] : palette.labelMute,
      'line-opacity': level <= child ? ['case', COLORED, 0.9, 0.55] : 0.18,
      'line-width': width(level <= 2 ? 1.5 : level === 3 ? 1 : 0.7),
    },
  }));
  if (selected && selected.level > 1) {
    lines.push({
      id: 'place/dim',
      type: 'fill',
      ...AREAS,
      filter: ['all', ['==', LEVEL, selected.level], ['!=', ['get', 'code'], selected.code]],
      paint: { 'fill-color': palette.dim, 'fill-opacity': palette.dimOpacity },
    });
  }
  if (selected) {
    const outline = selected.level > 1;
    lines.push({
      id: 'place/selected',
      type: 'line',
      ...AREAS,
      filter: ['==', ['get', 'code'], selected.code],
      layout: { 'line-join': 'round' },
      paint: {
        'line-color': outline ? palette.selected : palette.coast,
        'line-width': (outline ? 2.4 : 1.4) * input.scale,
        'line-opacity': 0.95,
      },
    });
  }
  return lines;
}

/** Names of the places: those of the child places first, smaller ones as the map comes closer. */
export function placeLabels(palette: Palette, input: StyleInput): LayerSpecification[] {
  const child = Math.min(GRID, (input.selected?.level ?? 1) + 1);
  const sizes: Readonly<Record<number, readonly number[]>> = {
    1: [7, 13, 9, 16, 11, 19],
    2: [9, 13, 11, 16, 14, 19],
    3: [10, 11.5, 12, 13.5, 15, 16],
    4: [13, 11, 15, 12.5, 17, 14],
  };
  const zooms: Readonly<Record<number, number>> = {
    1: 0,
    2: child > 1 ? 0 : 9,
    3: child >= 3 ? 9 : 11.5,
    4: child >= 4 ? 12 : 14.5,
  };
  return [4, 3, 2, 1].map((level) => ({
    id: `place/label-${level}`,
    type: 'symbol',
    ...POINTS,
    minzoom: zooms[level] ?? 0,
    ...(level < child && level < 3 ? { maxzoom: level === 1 ? 9 : 13 } : {}),
    filter: ['all', ['==', LEVEL, level], ['!=', ['get', 'code'], input.selected?.code ?? '']],
    layout: {
      'text-field': nameOf(input.lang),
      'text-font': ['sans-serif'],
      'text-size': [
        'interpolate',
        ['linear'],
        ['zoom'],
        ...(sizes[level] ?? []).map((n, i) => (i % 2 ? n * input.scale * (level === child ? 1 : 0.9) : n)),
      ] as unknown as ExpressionSpecification,
      'text-max-width': 8,
      'text-padding': 3,
    },
    paint: {
      'text-color': level === child ? palette.label : palette.labelMute,
      'text-opacity': level < child ? 0.75 : 1,
      'text-halo-color': palette.halo,
      'text-halo-width': 1.7,
    },
  }));
}
