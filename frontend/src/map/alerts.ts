import type { ExpressionSpecification, LayerSpecification, SourceSpecification } from 'maplibre-gl';
import type { Alert } from '@/core/model';
import type { Theme } from '@/core/url';
import type { Palette } from './palette';

/** Severities of CAP, the gravest first, each with a colour, a shape and a pattern: no eye needs all three. */
export const SEVERITIES = ['Extreme', 'Severe', 'Moderate', 'Minor', 'Unknown'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const SEVERITY_SHAPES: Readonly<Record<Severity, string>> = {
  Extreme: 'octagon',
  Severe: 'triangle',
  Moderate: 'diamond',
  Minor: 'circle',
  Unknown: 'ring',
};
export const SEVERITY_COLORS: Readonly<Record<Theme, Readonly<Record<Severity, string>>>> = {
  dark: { Extreme: '#ff5a62', Severe: '#ff9f43', Moderate: '#ffd84d', Minor: '#6db3ff', Unknown: '#b7c4d3' },
  light: { Extreme: '#b3141c', Severe: '#a04a00', Moderate: '#6f5900', Minor: '#1557a8', Unknown: '#4a5a6c' },
};

/** What the map shows of an alert; the label is in the reader's words. */
export interface AlertShape {
  id: number;
  severity: Severity;
  exercise: boolean;
  label: string;
  polygons: readonly unknown[];
  points: readonly (readonly number[])[];
}

const SOURCE = 'alerts';
export const alertImage = (severity: Severity, theme: Theme): string => `alert|${severity}|${theme}`;

/** Areas of alerts, slightest first, so that the gravest lies on top. */
export function shapeOf(alert: Alert, part: number, label: string): AlertShape {
  const areas = alert.areas.filter((a) => a.info === part);
  return {
    id: alert.id,
    severity: SEVERITIES.find((s) => s === alert.severity) ?? 'Unknown',
    exercise: alert.status === 'Exercise',
    label,
    polygons: areas.flatMap((a) => (a.shape?.coordinates as unknown[]) ?? []),
    points: areas.flatMap((a) => a.points),
  };
}

export function alertSource(alerts: readonly AlertShape[]): Record<string, SourceSpecification> {
  if (alerts.length === 0) return {};
  const features = [...alerts].reverse().flatMap((a) => {
    const properties = { severity: a.severity, exercise: a.exercise, label: a.label };
    const all: { type: 'Feature'; id: number; properties: typeof properties; geometry: unknown }[] = [];
    const add = (type: string, coordinates: unknown) =>
      all.push({ type: 'Feature', id: a.id, properties, geometry: { type, coordinates } });
    if (a.polygons.length) add('MultiPolygon', a.polygons);
    for (const p of a.points) add('Point', p);
    return all;
  });
  return { [SOURCE]: { type: 'geojson', data: { type: 'FeatureCollection', features } as never } };
}

/** Below the marks of events: a warning covers much, an event is a point. */
export function alertLayers(
  alerts: readonly AlertShape[],
  theme: Theme,
  palette: Palette,
  scale: number,
): LayerSpecification[] {
  if (alerts.length === 0) return [];
  const by = <T>(of: (s: Severity) => T): ExpressionSpecification =>
    ['match', ['get', 'severity'], ...SEVERITIES.slice(0, -1).flatMap((s) => [s, of(s)]), of('Unknown')] as never;
  const color = by((s) => SEVERITY_COLORS[theme][s]);
  const area: ExpressionSpecification = ['==', ['geometry-type'], 'Polygon'];
  const point: ExpressionSpecification = ['==', ['geometry-type'], 'Point'];
  const line = (id: string, exercise: boolean): LayerSpecification => ({
    id,
    type: 'line',
    source: SOURCE,
    filter: ['all', area, ['==', ['get', 'exercise'], exercise]],
    layout: { 'line-join': 'round' },
    paint: {
      'line-color': color,
      'line-width': 2.4 * scale,
      ...(exercise ? { 'line-dasharray': [2, 2] } : {}),
    },
  });
  const words = { 'text-font': ['sans-serif'], 'text-field': ['get', 'label'] as never, 'text-size': 13.5 * scale };
  const ink = { 'text-color': color, 'text-halo-color': palette.halo, 'text-halo-width': 1.8 };
  return [
    {
      id: 'alert/fill',
      type: 'fill',
      source: SOURCE,
      filter: area,
      paint: { 'fill-pattern': by((s) => alertImage(s, theme)), 'fill-opacity': 0.75 },
    },
    line('alert/line', false),
    line('alert/exercise', true),
    {
      id: 'alert/point',
      type: 'circle',
      source: SOURCE,
      filter: point,
      paint: {
        'circle-radius': 11 * scale,
        'circle-color': color,
        'circle-opacity': 0.25,
        'circle-stroke-color': color,
        'circle-stroke-width': 2.4 * scale,
      },
    },
    // Along the edge, where no place has its name.
    {
      id: 'alert/edge',
      type: 'symbol',
      source: SOURCE,
      filter: area,
      layout: {
        ...words,
        'symbol-placement': 'line',
        'symbol-spacing': 420,
        'text-allow-overlap': true,
        'text-offset': [0, -0.9],
        'text-max-angle': 30,
      },
      paint: ink,
    },
    {
      id: 'alert/text',
      type: 'symbol',
      source: SOURCE,
      filter: point,
      layout: { ...words, 'text-allow-overlap': true, 'text-max-width': 12, 'text-offset': [0, 1.7] },
      paint: ink,
    },
  ];
}
