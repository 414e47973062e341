/** What the desk asks of accounts, grants and service keys. Links and keys are told once and kept nowhere. */
import { type Ask, get, read } from '@/core/api';
import { type Lang, named, type Translate } from '@/core/i18n';
import type { Me, Named, PlaceRef, RoleName, Session } from '@/core/model';

export interface Grant {
  id: number;
  role: RoleName;
  place: PlaceRef | null;
  department: Named | null;
  from: string;
  until: string | null;
  by: string;
  reason: string;
  takable: boolean;
}

export interface Account extends Named {
  id: number;
  actor: string;
  signInName: string;
  sample: boolean;
  disabled: boolean;
  password: boolean;
  signedIn: string | null;
  failed: number;
  grants: Grant[];
  beyond: boolean;
}

export interface AccountDetail extends Account {
  words: Me['words'];
  expects: { name: string; subject: string } | null;
  sessions: Session[];
}

export interface Key {
  id: number;
  prefix: string;
  title: string;
  role: RoleName;
  place: PlaceRef | null;
  department: Named | null;
  by: string;
  created: string;
  expires: string;
  used: string | null;
  revoked: string | null;
  holds: boolean;
}

export interface GivenRole extends RoleName {
  key: boolean;
  /** Whether it is held for a department. */
  department: boolean;
}

export interface Department extends Named {
  code: string;
}

export interface NewGrant {
  role: string;
  place: string;
  department: string;
  until: string | null;
  reason: string;
}

/** Where a role is held, and for which department. */
export function where(t: Translate, lang: Lang, held: { place: PlaceRef | null; department: Named | null }): string {
  const place = held.place ? named(lang, held.place) : t('accounts.everywhere');
  return held.department ? `${named(lang, held.department)} · ${place}` : place;
}

const post = <T = void>(path: string, body: unknown = {}) =>
  read<T>(path, {}, { method: 'POST', body: JSON.stringify(body) });
const one = (id: number) => `/api/accounts/${id}`;

export const accounts = {
  list: (q: string, after: string, ask: Ask = {}) =>
    get<{ accounts: Account[]; next: string; whole: boolean }>('/api/accounts', ask, { q, after, limit: 50 }),
  detail: (id: number, ask: Ask = {}) => get<AccountDetail>(one(id), ask),
  roles: (ask: Ask = {}) => get<{ roles: GivenRole[]; departments: Department[] }>('/api/roles', ask),
  create: (account: { signInName: string; name: string; nameEn: string }) =>
    post<{ id: number; link: string }>('/api/accounts', account),
  link: (id: number) => post<{ link: string }>(`${one(id)}/link`),
  disable: (id: number) => post(`${one(id)}/disable`),
  enable: (id: number) => post(`${one(id)}/enable`),
  expect: (id: number, who: { name: string; subject: string }) => post(`${one(id)}/expect`, who),
  forget: (id: number) => post(`${one(id)}/forget`),
  grant: (id: number, grant: NewGrant) => post<{ grant: number }>(`${one(id)}/grants`, grant),
  revoke: (grant: number, reason: string) => post(`/api/grants/${grant}/revoke`, { reason }),
  endSession: (id: number, session: number) => post(`${one(id)}/sessions/${session}/end`),
  endSessions: (id: number) => post(`${one(id)}/sessions/end`),
  keys: async (ask: Ask = {}) => (await get<{ keys: Key[] }>('/api/keys', ask)).keys,
  createKey: (key: { title: string; role: string; place: string; department: string; days: number }) =>
    post<{ id: number; key: string }>('/api/keys', key),
  rotateKey: (id: number, days: number) => post<{ id: number; key: string }>(`/api/keys/${id}/rotate`, { days }),
  revokeKey: (id: number) => post(`/api/keys/${id}/revoke`),
};
