/** What the desk asks of people and of the audit. Nothing of a person is kept but what is on the screen. */
import { type Ask, read } from '@/core/api';
import type { Named } from '@/core/model';

export interface Deed {
  seq: number;
  at: string;
  actor: string;
  what: string;
  subject: string;
  id: number | null;
  purpose: string;
  reason: string;
  filter: string;
  rows: number;
  alert: boolean;
}

export interface Chain {
  whole: boolean;
  rows: number;
  heads: number;
  findings: { kind: string; first: number; last: number; words: string }[];
}

/** How long a kind is kept after it is over, and what the last run did that found something. */
export interface RetentionRule extends Named {
  kind: string;
  days: number;
  at: string | null;
  over: number;
  gone: number;
  stayed: number;
}

export interface Person {
  id: number;
  full: boolean;
  until: string | null;
  name: string;
  idNumber: string;
  phone: string;
  home: string;
  gender: string;
  age: number | null;
  placePath: string;
}

export interface Purpose extends Named {
  code: string;
}

/** What a search of the audit may name. */
export interface DeedQuery {
  what?: string;
  actor?: string;
  from?: string;
  to?: string;
  alerts?: 'true';
  before?: number;
}

export interface Stated {
  purpose: string;
  reason: string;
  beyond: boolean;
}

const post = (body: unknown) => ({ method: 'POST', body: JSON.stringify(body) });

export const records = {
  deeds: (query: DeedQuery, ask: Ask = {}) =>
    read<{ deeds: Deed[]; next: number | null }>(address('/api/audit', { ...query, limit: 100 }), ask, {}),
  chain: (ask: Ask = {}) => read<Chain>('/api/audit/chain', ask, {}),
  retention: async (ask: Ask = {}) => (await read<{ rules: RetentionRule[] }>('/api/retention', ask, {})).rules,
  people: (place: string, before: string | undefined, ask: Ask = {}) =>
    read<{ people: Person[]; next: string | null }>(address('/api/people', { place, before, limit: 50 }), ask, {}),
  purposes: async (ask: Ask = {}) => (await read<{ purposes: Purpose[] }>('/api/purposes', ask, {})).purposes,
  unmask: (id: number, stated: Stated) => read<Person>(`/api/people/${id}/unmask`, {}, post(stated)),
  find: async (field: 'idNumber' | 'phone', value: string, stated: Stated) =>
    (await read<{ people: Person[] }>('/api/people/search', {}, post({ field, value, ...stated }))).people,
};

/** An address with what is given of a query. */
export function address(path: string, query: object): string {
  const search = new URLSearchParams();
  for (const [k, v] of Object.entries(query)) if (v !== undefined && v !== '') search.set(k, String(v));
  return search.size ? `${path}?${search}` : path;
}

/** Milliseconds until a record is shown no longer; 0: it is not shown in full. */
export function left(person: Person, now: number): number {
  return person.full && person.until ? Math.max(0, Date.parse(person.until) - now) : 0;
}
