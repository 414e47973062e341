import type { DataDrivenPropertyValueSpecification as Data, LayerSpecification } from 'maplibre-gl';
import type { Lang } from '@/core/i18n';
import type { Palette } from './palette';

const BASE = { source: 'base' } as const;

/** A name in the language, falling back to the local one. */
export function nameOf(lang: Lang): Data<string> {
  return lang === 'en'
    ? ['case', ['!=', ['coalesce', ['get', 'name_en'], ''], ''], ['get', 'name_en'], ['coalesce', ['get', 'name'], '']]
    : ['coalesce', ['get', 'name'], ''];
}

/** Widths of a road in pixels at zooms 9, 12, 15 and 18. */
type Widths = readonly [number, number, number, number];

interface Road {
  rank: string;
  minzoom: number;
  widths: Widths;
}

const ROADS: readonly Road[] = [
  { rank: 'street', minzoom: 12.5, widths: [0, 0.5, 2.2, 9] },
  { rank: 'secondary', minzoom: 10.5, widths: [0.2, 0.8, 3.2, 12] },
  { rank: 'primary', minzoom: 9, widths: [0.45, 1.2, 4.2, 15] },
  { rank: 'trunk', minzoom: 7, widths: [0.7, 1.7, 5.2, 18] },
  { rank: 'motorway', minzoom: 6, widths: [0.9, 2.2, 6.2, 20] },
];

/** The base map below everything thematic: ground (areas), lines (roads, rail) and names of waters and roads. */
export function baseLayers(palette: Palette, lang: Lang, scale: number) {
  const fill = (id: string, layer: string, color: string, prefix = '', minzoom = 0): LayerSpecification => ({
    id: `base/${id}`,
    type: 'fill',
    ...BASE,
    'source-layer': layer,
    minzoom,
    ...(prefix ? { filter: ['==', ['get', 'class'], prefix] } : {}),
    paint: { 'fill-color': color, 'fill-antialias': true },
  });
  const ground: LayerSpecification[] = [
    { id: 'base/background', type: 'background', paint: { 'background-color': palette.sea } },
    fill('land', 'land', palette.land),
    fill('farmland', 'landuse', palette.farmland, 'farmland'),
    fill('residential', 'landuse', palette.residential, 'landuse_residential'),
    fill('industrial', 'landuse', palette.industrial, 'landuse_industrial'),
    fill('green', 'green', palette.green),
    fill('water', 'water', palette.water),
    {
      id: 'base/waterway',
      type: 'line',
      ...BASE,
      'source-layer': 'waterway',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': palette.water,
        'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 8, 1, 12, 3, 16, 14],
      },
    },
    {
      id: 'base/coast',
      type: 'line',
      ...BASE,
      'source-layer': 'land',
      layout: { 'line-join': 'round' },
      paint: { 'line-color': palette.coast, 'line-opacity': 0.7, 'line-width': 1.2 },
    },
    fill('building', 'building', palette.building, '', 13),
  ];
  const lines: LayerSpecification[] = [
    ...ROADS.map((r) => road(r, palette)),
    {
      id: 'base/rail',
      type: 'line',
      ...BASE,
      'source-layer': 'rail',
      minzoom: 8,
      paint: {
        'line-color': palette.rail,
        'line-dasharray': [4, 2],
        'line-opacity': 0.7,
        'line-width': ['interpolate', ['linear'], ['zoom'], 9, 0.8, 14, 2],
      },
    },
  ];
  const names: LayerSpecification[] = [
    waterNames('waterway', 'line', palette, lang, scale),
    waterNames('water', 'point', palette, lang, scale),
    {
      id: 'base/road-name',
      type: 'symbol',
      ...BASE,
      'source-layer': 'road',
      minzoom: 13,
      filter: ['!=', ['coalesce', ['get', 'name'], ''], ''],
      layout: {
        'symbol-placement': 'line',
        'symbol-spacing': 350,
        'text-field': nameOf(lang),
        'text-font': ['sans-serif'],
        'text-size': 11.5 * scale,
      },
      paint: { 'text-color': palette.labelMute, 'text-halo-color': palette.halo, 'text-halo-width': 1.4 },
    },
  ];
  return { ground, lines, names };
}

function road({ rank, minzoom, widths }: Road, palette: Palette): LayerSpecification {
  const grand = rank === 'motorway' || rank === 'trunk';
  return {
    id: `base/road-${rank}`,
    type: 'line',
    ...BASE,
    'source-layer': 'road',
    minzoom,
    filter: ['==', ['get', 'rank'], rank],
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: {
      'line-color': grand ? palette.motorway : palette.road,
      'line-opacity': ['interpolate', ['linear'], ['zoom'], 9, grand ? 0.55 : 0.45, 14, 0.85],
      'line-width': [
        'interpolate',
        ['exponential', 1.5],
        ['zoom'],
        ...[9, widths[0], 12, widths[1], 15, widths[2], 18, widths[3]],
      ],
    },
  };
}

function waterNames(
  layer: string,
  placement: 'line' | 'point',
  palette: Palette,
  lang: Lang,
  scale: number,
): LayerSpecification {
  return {
    id: `base/${layer}-name`,
    type: 'symbol',
    ...BASE,
    'source-layer': layer,
    minzoom: placement === 'line' ? 10 : 11,
    filter: ['!=', ['coalesce', ['get', 'name'], ''], ''],
    layout: {
      'symbol-placement': placement,
      'symbol-spacing': 500,
      'text-field': nameOf(lang),
      'text-font': ['sans-serif'],
      'text-size': 12 * scale,
      'text-letter-spacing': 0.15,
    },
    paint: { 'text-color': palette.waterName, 'text-halo-color': palette.halo, 'text-halo-width': 1 },
  };
}
