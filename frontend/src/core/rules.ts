import { type Ask, read } from './api';
import type { UnitRef, WorkerRef } from './hub';
import type { Translate } from './i18n';
import type { Named, PlaceRef } from './model';

/** To whom an event goes: docs/dispatch.md. */
export interface DispatchRule {
  id: number;
  /** null: any of the category. */
  item: (Named & { code: string }) | null;
  category: string | null;
  /** null: everywhere. */
  place: PlaceRef | null;
  hours: Hours;
  unit: UnitRef;
  /** null: the unit as a whole. */
  worker: WorkerRef | null;
  automatic: boolean;
  note: string | null;
  madeAt: string;
  madeBy: string;
  endedAt: string | null;
}

export const HOURS = ['any', 'work', 'night', 'holiday'] as const;
export type Hours = (typeof HOURS)[number];

export interface NewRule {
  item: string;
  category: string;
  place: string;
  hours: Hours;
  unit: string;
  automatic: boolean;
  note: string;
}

export interface Ruling {
  hours: Hours;
  acts: DispatchRule | null;
  next: DispatchRule[];
}

export interface RuleReport {
  read: number;
  added: number;
  known: number;
  faults: { line: number; column: string; words: string }[];
}

const sent = (method: string, body: unknown) => ({ method, body: JSON.stringify(body) });

export const rules = {
  list: async (all: boolean, ask: Ask = {}) =>
    (await read<{ rules: DispatchRule[] }>(`/api/dispatch/rules?all=${all}`, ask, {})).rules,
  add: (rule: NewRule) => read<{ id: number }>('/api/dispatch/rules', {}, sent('POST', rule)),
  end: (id: number) => read<void>(`/api/dispatch/rules/${id}`, {}, { method: 'DELETE' }),
  /** `at` is RFC 3339; undefined: now. */
  which: (item: string, category: string, place: string, at: string | undefined) =>
    read<Ruling>('/api/dispatch/try', {}, sent('POST', { item, category, place, at })),
  file: async () => (await read<{ csv: string }>('/api/dispatch/file', {}, {})).csv,
  send: (csv: string, trial: boolean) => read<RuleReport>('/api/dispatch/file', {}, sent('POST', { csv, trial })),
};

/** A rule in words: "Rule 12: litter · Houjie · working hours → environment unit". */
export function ruleWords(r: DispatchRule, t: Translate, name: (n: Named) => string, category: (c: string) => string) {
  const what = r.item ? name(r.item) : r.category ? category(r.category) : t('rule.anyEvent');
  const where = r.place ? name(r.place) : t('rule.everywhere');
  const whom = r.worker ? `${name(r.unit)} · ${name(r.worker)}` : name(r.unit);
  return t('rule.words', { n: r.id, what, where, when: t(`rule.hours.${r.hours}`), whom });
}
