import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec';
import { describe, expect, it } from 'vitest';
import type { LayerDef } from '@/core/model';
import { SHAPE_NAMES, shapePath } from '@/core/shapes';
import type { AlertShape } from '@/map/alerts';
import { CLASSES, classify } from '@/map/choropleth';
import type { StyleInput } from '@/map/input';
import { palettes } from '@/map/palette';
import { mapStyle, mixed, pickable } from '@/map/style';
import { tileAt, tilesTouched } from '@/map/tiles';

const def = (code: string, more: Partial<LayerDef> = {}): LayerDef => ({
  code,
  kind: 'site',
  name: code,
  nameEn: '',
  color: '#4cc9f0',
  shape: 'square',
  minZoom: 0,
  visible: false,
  filter: "class = 'school'",
  owner: null,
  source: null,
  ...more,
});
const input = (more: Partial<StyleInput> = {}): StyleInput => ({
  origin: 'http://city.test',
  theme: 'dark',
  lang: 'zh-CN',
  layers: [{ def: def('schools'), opacity: 1 }],
  classes: [
    { kind: 'event', code: 'flood', name: '积水', nameEn: 'Flooding', group: '', color: '#4cc9f0', shape: 'drop' },
  ],
  selected: { code: '441900122000', level: 2 },
  hatched: ['441900122001'],
  alerts: [],
  scale: 1,
  ...more,
});

const warnings: AlertShape[] = [
  {
    id: 1,
    severity: 'Extreme',
    exercise: false,
    label: '暴雨',
    polygons: [
      [
        [
          [113, 22],
          [114, 22],
          [114, 23],
          [113, 22],
        ],
      ],
    ],
    points: [[113.5, 22.5]],
  },
  { id: 2, severity: 'Unknown', exercise: true, label: '', polygons: [], points: [] },
];

describe('style', () => {
  const inputs: [string, StyleInput][] = [
    ['one layer', input()],
    ['no layer, nothing selected', input({ layers: [], selected: null, hatched: [], classes: [] })],
    ['light, English, large type', input({ theme: 'light', lang: 'en', scale: 2 })],
    ['alerts', input({ theme: 'light', alerts: warnings })],
    ['grid selected', input({ selected: { code: '441900122001003', level: 4 } })],
    [
      'mixed events over people',
      input({
        layers: [
          { def: def('people', { kind: 'person', filter: '' }), opacity: 0.5 },
          { def: def('events', { kind: 'event', filter: '' }), opacity: 1 },
        ],
      }),
    ],
  ];
  it.each(inputs)('is valid: %s', (_, i) => expect(validateStyleMin(mapStyle(i)).map((e) => e.message)).toEqual([]));
  it.each(inputs)('is pure and asks nobody else: %s', (_, i) => {
    const text = JSON.stringify(mapStyle(i));
    expect(JSON.stringify(mapStyle(i))).toBe(text);
    for (const url of text.match(/https?:[^"]+/g) ?? []) expect(url).toMatch(/^http:\/\/city\.test\/tiles\//);
    expect(mapStyle(i)).not.toHaveProperty('glyphs');
    expect(mapStyle(i)).not.toHaveProperty('sprite');
  });
  it('gives each thematic layer its own source, so that a toggle loads no other', () => {
    const two = mapStyle(input({ layers: ['a', 'b'].map((c) => ({ def: def(c), opacity: 1 })) }));
    expect(Object.keys(two.sources)).toEqual(['base', 'places', 'layer/a', 'layer/b']);
  });
  it('dims only the places beside the selected one, and nothing for the whole city', () => {
    const dim = (level: number) =>
      mapStyle(input({ selected: { code: '441900000000', level } })).layers.some((l) => l.id === 'place/dim');
    expect([1, 2, 3, 4].map(dim)).toEqual([false, true, true, true]);
  });
  it('marks each class in a layer that holds several, and only there', () => {
    expect(mixed(def('e', { kind: 'event', filter: '' }))).toBe(true);
    expect(mixed(def('e', { kind: 'event', filter: "status <> 'close'" }))).toBe(true);
    expect(mixed(def('e', { kind: 'event', filter: "category = 'flood'" }))).toBe(false);
    expect(mixed(def('p', { kind: 'person', filter: '' }))).toBe(false);
  });
  it('picks the uppermost layer first', () => {
    const ids = pickable(['a', 'b'].map((c) => ({ def: def(c), opacity: 1 })));
    expect(ids.indexOf('mark/b')).toBeLessThan(ids.indexOf('mark/a'));
  });
});

describe('classes of figures', () => {
  const sort = (figures: Record<string, number | null>) => classify(new Map(Object.entries(figures)));
  it('hatches what may not be told and never colours it', () => {
    const c = sort({ a: null, b: 5 });
    expect(c.hatched).toEqual(['a']);
    expect(c.classes.has('a')).toBe(false);
  });
  it('keeps the lowest class for zero', () => {
    const c = sort({ a: 0, b: 1, c: 1 });
    expect([c.classes.get('a'), c.classes.get('b'), c.classes.get('c')]).toEqual([0, 1, 1]);
    expect([c.least, c.most]).toEqual([0, 1]);
  });
  it('spreads distinct figures over all classes, in order', () => {
    const figures = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`p${i}`, (i + 1) ** 3]));
    const classes = [...sort(figures).classes.values()];
    expect(new Set(classes)).toEqual(new Set(Array.from({ length: CLASSES }, (_, i) => i)));
    expect(classes).toEqual([...classes].sort((a, b) => a - b));
  });
  it('tells the least and the greatest figure of each class, and of no class that is empty', () => {
    expect(sort({ a: 0, b: 3, c: 5, d: null }).bins).toEqual([
      { n: 0, from: 0, to: 0 },
      { n: 1, from: 3, to: 3 },
      { n: 4, from: 5, to: 5 },
    ]);
  });
  it('has nothing to say of nothing', () => {
    expect(sort({})).toEqual({ classes: new Map(), hatched: [], least: 0, most: 0, bins: [] });
  });
  it('has a colour for each class in each theme', () => {
    for (const p of Object.values(palettes)) expect(p.ramp).toHaveLength(CLASSES);
  });
});

describe('tiles touched', () => {
  it.each([
    [0, 0, 1, 1, 1],
    [113.75, 23.05, 10, 835, 444],
    [180, 85.0511, 3, 7, 0],
    [-180, -89, 3, 0, 7],
  ])('the tile of %d, %d at zoom %d', (lon, lat, z, x, y) => expect(tileAt(lon, lat, z)).toEqual({ z, x, y }));
  it('names one tile of each zoom for a point', () => {
    const tiles = tilesTouched([113.75, 23.05, 113.75, 23.05]);
    expect(tiles?.map((t) => t.z)).toEqual(Array.from({ length: 23 }, (_, z) => z));
  });
  it('gives up naming tiles of a wide change', () => {
    expect(tilesTouched([113, 22, 114, 24])).toBeNull();
  });
});

describe('shapes', () => {
  it('are all different, and an unknown one is a circle', () => {
    expect(new Set(SHAPE_NAMES.map(shapePath)).size).toBe(SHAPE_NAMES.length);
    expect(shapePath('dodecahedron')).toBe(shapePath('circle'));
  });
});
