import type { Named, PlaceRef } from './model';

/** The estimate of risk as the page uses it; the server's document says what each field means. */
export interface RiskKey {
  code: string;
  channel: string;
}
export interface RiskScore {
  place: PlaceRef;
  expected: number;
  low: number;
  high: number;
  /** 0–10; null: not enough data. */
  band: number | null;
  grade: 'A' | 'B' | 'C' | 'D';
  rank: number;
  of: number;
  lastWeek: number | null;
  silent: number;
  main: RiskKey;
}
export interface RiskModel {
  version: string;
  spec: string;
  proven: boolean;
  backtest: number;
}
export interface RiskAlarm extends Named {
  code: string;
  since: string;
  days: number;
}
export interface RiskView {
  category: string;
  horizon: number;
  from: string;
  position: string;
  asOf: string;
  model: RiskModel;
  place: RiskScore | null;
  children: RiskScore[];
  alarms: RiskAlarm[];
}
export interface RiskTerm extends RiskKey {
  value: number;
  rank: number;
  of: number;
  median: number;
  source: string;
  asOf: string;
}
export interface RiskCount extends Named {
  code: string;
  count: number | null;
}
export interface RiskDay {
  date: string;
  count: number;
}
export interface RiskExplanation extends RiskScore {
  category: string;
  horizon: number;
  from: string;
  position: string;
  asOf: string;
  model: RiskModel;
  terms: RiskTerm[];
  changes: { code: string; expected: number }[];
  reported30d: number;
  patrolled30d: number;
  curve: RiskDay[];
  axes: {
    vulnerability: { residents: number | null; care: RiskCount[] };
    hazards: RiskCount[];
    coping: { open: number; overdue: number; closed30d: number; closedInTime30d: number; staff: number | null };
  };
  objections: { id: number; score: number; reason: string; actor: string; at: string }[];
  alarms: RiskAlarm[];
}
export interface RiskSignal {
  kind: 'rise' | 'cluster' | 'hot';
  category: string;
  places: PlaceRef[];
  path: string;
  days: number;
  observed: number;
  expected: number;
  p: number;
  method: string;
  curve: RiskDay[];
}
export interface RiskSignals {
  ready: boolean;
  asOf: string | null;
  looked: number;
  falseRate: number;
  signals: RiskSignal[];
}
/** A kind of event that is worth a look in a place, for somebody who walks there. */
export interface RiskHint extends RiskScore {
  category: string;
  usual: number;
  reported30d: number;
  patrolled30d: number;
  signal: { kind: RiskSignal['kind']; days: number; observed: number; expected: number } | null;
}
export interface RiskToday {
  from: string;
  asOf: string;
  places: PlaceRef[];
  looked: number;
  unknown: number;
  hints: RiskHint[];
  alarms: RiskAlarm[];
}
export interface RiskFilm {
  codes: string[];
  frames: { date: string; bands: number[] }[];
}
export interface RiskInterval {
  value: number;
  lo: number;
  hi: number;
}
export interface RiskTestScore {
  model: string;
  baseline: boolean;
  log: RiskInterval;
  hit: RiskInterval[];
  pai: number[];
  pei: number[];
  cover: RiskInterval;
  stable: number;
  logBeats: RiskInterval;
  hitBeats: RiskInterval;
}
export interface RiskPart {
  division: string;
  ships: string;
  category: string;
  events: number;
  trained: number;
  leaves: number;
  steps: number;
  bestLog: string;
  bestHit: string;
  scores: RiskTestScore[];
}
export interface RiskTest {
  id: number;
  state: string;
  now: string;
  done: number;
  total: number;
  madeAt: string;
  parts: RiskPart[];
}

/** How many words there are for the bands. */
export const BAND_WORDS = 5;

/** The word of a band: 0–1, 2–3, 4–5, 6–7, 8–10. */
export const bandWord = (band: number): number => Math.min(BAND_WORDS - 1, Math.floor(band / 2));

/** The class of the colour ramp, of so many, that shows a band. */
export const bandClass = (band: number, classes: number): number => Math.round((band / 10) * (classes - 1));

/** A number of events as it is said: two decimals when small. */
export const events = (n: number): string => (n >= 10 ? n.toFixed(0) : n >= 1 ? n.toFixed(1) : n.toFixed(2));

/** A chance in words that need no notation: "1/1000". */
export const chance = (p: number): string => (p <= 0 ? '<1/1000000' : p >= 0.5 ? '1/2' : `1/${Math.round(1 / p)}`);

export interface RiskChoice {
  category: string;
  horizon: 7 | 30;
  show: '' | 'why' | 'proof';
}

/** Reads "category.days.show"; null for what is malformed. The category may be empty: the server's first. */
export function parseRisk(text: string | null): RiskChoice | null {
  const m = /^([a-z0-9_]{0,60})\.(7|30)(?:\.(why|proof))?$/.exec(text ?? '');
  return m ? { category: m[1] ?? '', horizon: m[2] === '30' ? 30 : 7, show: (m[3] ?? '') as RiskChoice['show'] } : null;
}

export const formatRisk = (r: RiskChoice): string => `${r.category}.${r.horizon}${r.show ? `.${r.show}` : ''}`;
