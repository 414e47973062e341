import { ApiError, type Ask, get } from '@/core/api';
import type { EventDetail, EventSummary, ItemDef, Named } from '@/core/model';
import type { Item } from '@/core/outbox/store';

/** A step that the reader may take. */
export interface Action {
  step: string;
  to: string;
  needs: string[];
  photos: number;
}

export interface Task {
  event: EventSummary;
  version: number;
  suspendedAt: string | null;
  actions: Action[];
}

/** The reader as a worker. */
export interface Worker extends Named {
  id: number;
  unit: Named & { code: string };
  level: string;
  desk: boolean;
  onDuty: boolean;
}

export interface Tasks {
  worker: Worker | null;
  tasks: Task[];
  /** When the server said so, RFC 3339: the phone may show what it kept. */
  asOf: string;
}

export interface Entry {
  id: number;
  step: string;
  at: string;
  doneAt: string;
  post: Named | null;
  unit: (Named & { code: string }) | null;
  note: string | null;
  reason: string | null;
}

export interface Case extends Omit<EventDetail, 'timeline' | 'actions'> {
  timeline: Entry[];
  actions: Action[];
  suspendedAt: string | null;
}

export const work = {
  async tasks(ask: Ask = {}): Promise<Tasks> {
    let asOf = 0;
    const told = await get<Omit<Tasks, 'asOf'>>('/api/tasks', ask, {}, (r) => {
      asOf = Date.parse(r.headers.get('date') ?? '');
    });
    return { ...told, asOf: new Date(asOf || Date.now()).toISOString() };
  },
  event: (id: number, ask: Ask = {}) => get<Case>(`/api/events/${id}`, ask),
  /** `share`: for this shift desks may see the last position; else none is kept. */
  async duty(onDuty: boolean, share: boolean, at: { lon: number; lat: number } | null): Promise<Tasks> {
    const where = at ? { lon: at.lon, lat: at.lat, datum: 'WGS84' } : {};
    const body = JSON.stringify({ onDuty, share, ...where });
    let response: Response;
    try {
      response = await fetch('/api/duty', { method: 'PUT', body, headers: { 'content-type': 'application/json' } });
    } catch {
      throw new ApiError('network', 0, '', 0);
    }
    if (!response.ok) throw new ApiError(String(response.status), response.status, '', 0);
    return { ...((await response.json()) as Omit<Tasks, 'asOf'>), asOf: new Date().toISOString() };
  },
};

/** Steps that a worker takes in the field, in the order in which they are offered. */
export const FIELD_STEPS = ['start', 'resume', 'arrive', 'feedback', 'part', 'note', 'return', 'whistle'] as const;

/** What is put to use when a step is still in the outbox: what the server will allow after it. */
const AFTER: Readonly<Record<string, readonly string[]>> = {
  start: ['arrive', 'feedback', 'note', 'return', 'whistle'],
  resume: ['arrive', 'feedback', 'note', 'return', 'whistle'],
  feedback: [],
  part: [],
  return: [],
  whistle: [],
};
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  arrive: ['place'],
  feedback: ['note'],
  part: ['note'],
  note: ['note'],
  return: ['reason'],
  whistle: ['reason'],
};

/** A step that the server has not offered yet, with what it will ask for as far as the catalogue tells. */
function expected(step: string, item: ItemDef | undefined): Action {
  const asks = (input: string) => item?.requires.includes(`${step}.${input}`) ?? false;
  const photos = step === 'feedback' ? (item?.photos ?? 0) : asks('photo') ? 1 : 0;
  const needs = new Set(NEEDS[step] ?? []);
  for (const input of ['note', 'place']) if (asks(input)) needs.add(input);
  if (photos) needs.add('evidence');
  return { step, to: '', needs: [...needs], photos };
}

/**
 * What the reader may do with an event of a version, counting as taken the steps of this phone that the version does not
 * know of: those in the outbox, and those that were sent since it was read. Who has said to be there is not asked again.
 */
export function offered(
  actions: readonly Action[],
  taken: readonly Item[],
  version: number,
  about?: ItemDef,
): Action[] {
  let now = actions.filter((a) => (FIELD_STEPS as readonly string[]).includes(a.step));
  const stepOf = (i: Item) => String(i.body.step ?? '');
  const last = taken.findLast((i) => stepOf(i) === 'start' || stepOf(i) === 'arrive');
  if (last && stepOf(last) === 'arrive') now = now.filter((a) => a.step !== 'arrive');
  for (const item of taken.filter((i) => i.state === 'waiting' || (i.seen ?? -1) >= version)) {
    const step = stepOf(item);
    const next = AFTER[step];
    if (next) {
      const known = now;
      now = next.map((s) => known.find((a) => a.step === s) ?? expected(s, about));
    } else if (step === 'arrive') now = now.filter((a) => a.step !== 'arrive');
  }
  const order = (a: Action) => (FIELD_STEPS as readonly string[]).indexOf(a.step);
  return [...now].sort((a, b) => order(a) - order(b));
}
