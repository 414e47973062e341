import { type Ref, shallowRef } from 'vue';
import type { Lang } from './i18n';
import type { LonLat } from './model';
import { momentText, parseMoment } from './moment';
import { formatRisk, parseRisk, type RiskChoice } from './risk';

/** What colours the child places, and what the ranking is by. */
export const METRICS = ['density', 'person', 'site', 'open', 'today', 'overdue'] as const;
/** Which events the list shows; waiting: a desk must act. */
export const LISTS = ['all', 'open', 'waiting', 'overdue'] as const;
export type List = (typeof LISTS)[number];
export type Metric = (typeof METRICS)[number];
export type Theme = 'dark' | 'light';

export interface Camera {
  lon: number;
  lat: number;
  zoom: number;
}

/** What a card can be of. */
export type CardKind = 'event' | 'site' | 'alert' | 'instruct';

/** The whole view: every view is a URL that can be sent. */
export interface View {
  /** '' is the deployment's root. */
  place: string;
  /** Active layers with their opacity, bottom first; null: those that the server opens with. */
  layers: { code: string; opacity: number }[] | null;
  metric: Metric;
  list: List;
  /** Places are coloured and ranked by risk; null: by the metric. */
  risk: RiskChoice | null;
  /** The past moment that is looked at, in milliseconds since 1970; null: now. Never together with risk, which has a time of its own. */
  moment: number | null;
  card: { kind: CardKind; id: number } | null;
  /** Workers on duty are shown on the map. */
  people: boolean;
  /** Corners of the area that is counted in; the first follows the last. */
  area: readonly LonLat[] | null;
  /** null: fitted to the place. */
  camera: Camera | null;
  lang: Lang;
  theme: Theme;
}

export const START: View = {
  place: '',
  layers: null,
  metric: 'density',
  list: 'all',
  risk: null,
  moment: null,
  card: null,
  people: false,
  area: null,
  camera: null,
  lang: 'zh-CN',
  theme: 'dark',
};

/** Reads a query string; what is malformed or unknown falls back to the start, never throws. */
export function parseView(query: string): View {
  const q = new URLSearchParams(query);
  const card = /^(event|site|alert|instruct)\.(\d{1,15})$/.exec(q.get('card') ?? '');
  const metric = METRICS.find((m) => m === q.get('by'));
  return {
    place: /^\d{12}(\d{3})?$/.test(q.get('place') ?? '') ? (q.get('place') ?? '') : '',
    layers: parseLayers(q.get('layers')),
    metric: metric ?? START.metric,
    list: LISTS.find((l) => l === q.get('events')) ?? START.list,
    risk: parseRisk(q.get('risk')),
    moment: q.has('risk') ? null : parseMoment(q.get('moment')),
    card: card ? { kind: card[1] as CardKind, id: Number(card[2]) } : null,
    people: q.get('people') === 'on',
    area: parseArea(q.get('area')),
    camera: parseCamera(q.get('at')),
    lang: q.get('lang') === 'en' ? 'en' : 'zh-CN',
    theme: q.get('theme') === 'light' ? 'light' : 'dark',
  };
}

/** The shortest query string that parseView reads back as the view; '' for the start. */
export function formatView(view: View): string {
  const parts: string[] = [];
  if (view.place) parts.push(`place=${view.place}`);
  if (view.layers) {
    const layers = view.layers.map((l) => (l.opacity === 1 ? l.code : `${l.code}:${l.opacity}`)).join(',');
    parts.push(`layers=${layers}`);
  }
  if (view.metric !== START.metric) parts.push(`by=${view.metric}`);
  if (view.list !== START.list) parts.push(`events=${view.list}`);
  if (view.risk) parts.push(`risk=${formatRisk(view.risk)}`);
  if (view.moment !== null) parts.push(`moment=${momentText(view.moment)}`);
  if (view.card) parts.push(`card=${view.card.kind}.${view.card.id}`);
  if (view.people) parts.push('people=on');
  if (view.area) parts.push(`area=${view.area.map(([lon, lat]) => `${lon.toFixed(5)},${lat.toFixed(5)}`).join(';')}`);
  if (view.camera) {
    const { lon, lat, zoom } = view.camera;
    parts.push(`at=${lon.toFixed(5)},${lat.toFixed(5)},${zoom.toFixed(2)}`);
  }
  if (view.lang !== START.lang) parts.push(`lang=${view.lang}`);
  if (view.theme !== START.theme) parts.push(`theme=${view.theme}`);
  return parts.length ? `?${parts.join('&')}` : '';
}

function parseLayers(text: string | null): View['layers'] {
  if (text === null) return null;
  const seen = new Set<string>();
  const layers: { code: string; opacity: number }[] = [];
  for (const part of text.split(',')) {
    const m = /^([a-z0-9_]{1,60})(?::([01](?:\.\d+)?))?$/.exec(part);
    if (!m?.[1] || seen.has(m[1])) continue;
    seen.add(m[1]);
    layers.push({ code: m[1], opacity: m[2] === undefined ? 1 : Math.min(1, Math.max(0.1, Number(m[2]))) });
  }
  return layers;
}

function parseCamera(text: string | null): Camera | null {
  const n = (text ?? '').split(',').map(Number);
  const [lon, lat, zoom] = n;
  if (n.length !== 3 || lon === undefined || lat === undefined || zoom === undefined) return null;
  if (!(Math.abs(lon) <= 180 && Math.abs(lat) <= 85 && zoom >= 0 && zoom <= 22)) return null;
  return { lon, lat, zoom };
}

/** Most corners of an area in an address: addresses end near 8,000 characters in some programs. */
export const MOST_CORNERS = 200;

/** Rounds to what an address keeps: 1e-5 degrees, a metre. */
export const rounded = (at: LonLat): LonLat => [Number(at[0].toFixed(5)), Number(at[1].toFixed(5))];

function parseArea(text: string | null): View['area'] {
  const corners = (text ?? '').split(';').map((part): LonLat | null => {
    const m = /^(-?\d{1,3}(?:\.\d{1,9})?),(-?\d{1,2}(?:\.\d{1,9})?)$/.exec(part);
    const [lon, lat] = [Number(m?.[1]), Number(m?.[2])];
    return m && Math.abs(lon) <= 180 && Math.abs(lat) <= 85 ? [lon, lat] : null;
  });
  if (corners.length < 3 || corners.length > MOST_CORNERS) return null;
  const known = corners.filter((c) => c !== null);
  return known.length === corners.length ? known : null;
}

/** The view bound to the browser's address bar. */
export interface ViewState {
  readonly view: Ref<View>;
  /** A step that "back" undoes. */
  go(change: Partial<View>): void;
  /** A change that is not a step of its own (the camera, the opacity). */
  adjust(change: Partial<View>): void;
  close(): void;
}

export function bindView(): ViewState {
  const view = shallowRef(parseView(location.search));
  const read = () => {
    view.value = parseView(location.search);
  };
  const write = (change: Partial<View>, how: 'pushState' | 'replaceState') => {
    const next = { ...view.value, ...change };
    const url = location.pathname + formatView(next);
    if (url !== location.pathname + location.search) history[how](null, '', url);
    view.value = next;
  };
  addEventListener('popstate', read);
  return {
    view,
    go: (change) => write(change, 'pushState'),
    adjust: (change) => write(change, 'replaceState'),
    close: () => removeEventListener('popstate', read),
  };
}
