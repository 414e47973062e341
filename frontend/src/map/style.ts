import type {
  DataDrivenPropertyValueSpecification as Data,
  ExpressionSpecification,
  LayerSpecification,
  SourceSpecification,
  StyleSpecification,
} from 'maplibre-gl';
import type { LayerDef } from '@/core/model';
import { alertLayers, alertSource } from './alerts';
import { baseLayers } from './base';
import { type ActiveLayer, PLACES, type StyleInput, sourceOf } from './input';
import { hatchImage, markImage } from './marks';
import { type Palette, palettes } from './palette';
import { placeFills, placeLabels, placeLines } from './places';

/** The style of the whole map: a pure function of its input. */
export function mapStyle(input: StyleInput): StyleSpecification {
  const palette = palettes[input.theme];
  const tiles = (name: string) => ({ type: 'vector' as const, url: `${input.origin}/tiles/${name}.json` });
  const sources: Record<string, SourceSpecification> = {
    base: tiles('base'),
    [PLACES]: { ...tiles('places'), promoteId: { place: 'code' } },
    ...alertSource(input.alerts),
  };
  for (const { def } of input.layers) sources[sourceOf(def.code)] = tiles(def.code);
  const base = baseLayers(palette, input.lang, input.scale);
  return {
    version: 8,
    name: 'onepicture',
    transition: { duration: 200, delay: 0 },
    sources,
    layers: [
      ...base.ground,
      ...placeFills(palette, input, hatchImage(input.theme)),
      ...base.lines,
      ...placeLines(palette, input),
      ...base.names,
      ...alertLayers(input.alerts, input.theme, palette, input.scale),
      ...input.layers.flatMap((l) => cellLayers(l, input, palette)),
      ...input.layers.flatMap((l) => featureLayers(l, input, palette)),
      ...placeLabels(palette, input),
      ...input.layers.flatMap((l) => textLayers(l, input, palette)),
    ],
  };
}

/** Layers whose features or cells can be picked, in the order of picking. */
export function pickable(layers: readonly ActiveLayer[]): string[] {
  return layers.flatMap(({ def }) => ['mark', 'area', 'line', 'cell'].map((part) => `${part}/${def.code}`)).reverse();
}

const IS_CELL: ExpressionSpecification = ['has', 'n'];
const NOT_CELL: ExpressionSpecification = ['!', ['has', 'n']];
const POINT: ExpressionSpecification = ['==', ['geometry-type'], 'Point'];
const AREA: ExpressionSpecification = ['==', ['geometry-type'], 'Polygon'];
const LINE: ExpressionSpecification = ['==', ['geometry-type'], 'LineString'];

/** From this zoom on a cell's count is written in its circle. */
const COUNTS_FROM = 14.2;

/**
 * Area of a cell's circle grows with the logarithm of its count: a cell of 10,000 does not hide one of 10. Where the
 * count is written the circle holds it.
 */
function cellRadius(scale: number): Data<number> {
  const by = (k: number): ExpressionSpecification => [
    'interpolate',
    ['linear'],
    ['ln', ['coalesce', ['get', 'n'], 1]],
    ...[0, 2.1 * k, 2.3, 2.7 * k, 4.6, 3.7 * k, 6.9, 5.4 * k, 9.2, 8 * k],
  ];
  const holding = (k: number): ExpressionSpecification => ['max', 10.5 * scale, by(k)];
  return [
    'interpolate',
    ['linear'],
    ['zoom'],
    ...[8, by(0.85 * scale), 12, by(1.2 * scale), COUNTS_FROM - 0.2, by(1.7 * scale)],
    ...[COUNTS_FROM, holding(1.75 * scale), 16, holding(2.2 * scale)],
  ];
}

function cellLayers({ def, opacity }: ActiveLayer, input: StyleInput, palette: Palette): LayerSpecification[] {
  return [
    {
      id: `cell/${def.code}`,
      type: 'circle',
      source: sourceOf(def.code),
      'source-layer': def.code,
      minzoom: def.minZoom,
      filter: IS_CELL,
      layout: { 'circle-sort-key': ['-', 0, ['coalesce', ['get', 'n'], 0]] },
      paint: {
        'circle-radius': cellRadius(input.scale),
        'circle-color': def.color,
        'circle-opacity': 0.78 * opacity,
        'circle-stroke-color': palette.markEdge,
        'circle-stroke-width': ['interpolate', ['linear'], ['zoom'], 9, 0.25, 13, 0.8],
        'circle-stroke-opacity': 0.5 * opacity,
      },
    },
  ];
}

function featureLayers({ def, opacity }: ActiveLayer, input: StyleInput, palette: Palette): LayerSpecification[] {
  const at = { source: sourceOf(def.code), 'source-layer': def.code, minzoom: def.minZoom };
  const s = input.scale;
  const grave: ExpressionSpecification = ['<=', ['coalesce', ['get', 'level'], 4], 2];
  const size: Data<number> = [
    'interpolate',
    ['linear'],
    ['zoom'],
    ...[9, ['case', grave, 0.34 * s, 0.24 * s], 11, ['case', grave, 0.52 * s, 0.36 * s]],
    ...[13, ['case', grave, 0.72 * s, 0.55 * s]],
    ...[16, ['case', grave, 1 * s, 0.8 * s]],
  ] as ExpressionSpecification;
  return [
    {
      id: `area/${def.code}`,
      type: 'fill',
      ...at,
      filter: AREA,
      paint: { 'fill-color': def.color, 'fill-opacity': 0.32 * opacity, 'fill-outline-color': def.color },
    },
    {
      id: `line/${def.code}`,
      type: 'line',
      ...at,
      filter: ['any', AREA, LINE],
      layout: { 'line-join': 'round', 'line-cap': 'round' },
      paint: { 'line-color': def.color, 'line-opacity': 0.9 * opacity, 'line-width': 1.6 * s },
    },
    {
      id: `mark/${def.code}`,
      type: 'symbol',
      ...at,
      filter: ['all', POINT, NOT_CELL],
      layout: {
        'icon-image': markOf(def, input, palette),
        'icon-size': size,
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        'symbol-sort-key': ['-', 0, ['coalesce', ['get', 'level'], 4]],
      },
      paint: { 'icon-opacity': ['case', ['==', ['get', 'status'], 'close'], 0.5 * opacity, opacity] },
    },
  ];
}

/** A layer of one class bears its own mark; a layer that filters nothing shows the mark of each feature's class. */
function markOf(def: LayerDef, input: StyleInput, palette: Palette): Data<string> {
  const own = markImage(def.shape, def.color, palette.markEdge);
  const classes = input.classes.filter((c) => c.kind === def.kind && c.color && c.shape);
  if (!mixed(def) || classes.length === 0) return own;
  const property = def.kind === 'event' ? 'category' : 'class';
  const cases = classes.flatMap((c) => [c.code, markImage(c.shape, c.color, palette.markEdge)]);
  return ['match', ['get', property], ...cases, own] as unknown as ExpressionSpecification;
}

/** Whether a layer's features are of several classes, as far as its filter tells. */
export function mixed(def: LayerDef): boolean {
  return (def.kind === 'event' || def.kind === 'site') && !/\b(category|class|item)\b/.test(def.filter);
}

function textLayers({ def, opacity }: ActiveLayer, input: StyleInput, palette: Palette): LayerSpecification[] {
  const at = { source: sourceOf(def.code), 'source-layer': def.code };
  const paint = {
    'text-color': palette.label,
    'text-halo-color': palette.halo,
    'text-halo-width': 1.4,
    'text-opacity': opacity,
  };
  const font = { 'text-font': ['sans-serif'] };
  const name: ExpressionSpecification = ['coalesce', ['get', 'name'], ['get', 'title'], ''];
  return [
    {
      id: `count/${def.code}`,
      type: 'symbol',
      ...at,
      minzoom: Math.max(COUNTS_FROM, def.minZoom),
      filter: IS_CELL,
      layout: {
        ...font,
        'text-field': ['to-string', ['get', 'n']],
        'text-size': 11.5 * input.scale,
        'text-padding': 4,
        'symbol-sort-key': ['-', 0, ['coalesce', ['get', 'n'], 0]],
      },
      paint,
    },
    {
      id: `text/${def.code}`,
      type: 'symbol',
      ...at,
      minzoom: Math.max(14, def.minZoom),
      filter: NOT_CELL,
      layout: {
        ...font,
        'text-field': name,
        'text-size': 12.5 * input.scale,
        'text-anchor': 'top',
        'text-offset': [0, 0.85],
        'text-max-width': 9,
        'text-optional': true,
        'text-padding': 4,
      },
      paint: { ...paint, 'text-color': palette.labelMute },
    },
  ];
}
