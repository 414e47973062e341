import { type Ask, read } from './api';
import type { EventSummary, Named, PlaceRef } from './model';
import type { DispatchRule } from './rules';

/** The life of an event as the API tells it: docs/event-life.md. */
export interface EventLife {
  /** city, town or village. */
  command: string;
  whistled: boolean;
  clockAt: string | null;
  suspendedAt: string | null;
  /** It is about the same as that event; null: its own. */
  mergedInto: { id: number; status: string; closedAt: string | null } | null;
  /** Reports that are about it too. */
  merged: MergedReport[];
  /** How often its item came to the place; null: the first time. */
  repeat: { nth: number; days: number; meters: number } | null;
  timeline: TimelineEntry[];
  assignments: EventAssignment[];
  /** Steps that the reader may take now. */
  actions: EventAction[];
}

export interface MergedReport {
  id: number;
  title: string;
  reportedAt: string;
  mergedAt: string;
  version: number;
}

/** An open event that may be about the same. */
export interface SimilarEvent {
  event: EventSummary;
  meters: number;
  /** Between the two reports. */
  minutes: number;
  sameItem: boolean;
  /** Likeness of the words, 0 to 1. */
  words: number;
}

export interface Sample {
  lon: number;
  lat: number;
  category: string;
  item: string;
  words: string;
}

export interface UnitRef extends Named {
  code: string;
}

export interface WorkerRef extends Named {
  id: number;
}

export interface TimelineEntry {
  /** 0: the report as its feed delivered it. */
  id: number;
  step: string;
  actor: string;
  post: Named | null;
  unit: UnitRef | null;
  at: string;
  doneAt: string;
  from: string;
  to: string;
  version: number;
  command: string;
  note: string | null;
  reason: string | null;
  evidence: string[];
  assignees: { unit: string; worker: number | null; label: string | null; lead: boolean }[];
  /** By which it was given, or against which. */
  rule: number | null;
  against: boolean;
  automatic: boolean;
  /** The other event of a merge. */
  other: number | null;
  lon: number | null;
  lat: number | null;
}

export interface EventAssignment {
  unit: UnitRef;
  /** null: the unit as a whole. */
  worker: WorkerRef | null;
  lead: boolean;
  suggested: boolean;
  assignedAt: string;
  startedAt: string | null;
  doneAt: string | null;
  endedAt: string | null;
}

export interface EventAction {
  step: string;
  to: string;
  needs: string[];
  photos: number;
}

export interface Candidate extends WorkerRef {
  unit: UnitRef;
  meters: number;
  inHand: number;
  capacity: number;
  free: boolean;
  skilled: boolean;
  seenAt: string;
  lon: number;
  lat: number;
}

/** Where a worker on duty was last, for those who may see it. */
export interface Present extends WorkerRef {
  unit: UnitRef;
  inHand: number;
  capacity: number;
  seenAt: string;
  lon: number;
  lat: number;
}

export interface Candidates {
  workers: Candidate[];
  /** That acts for the event now: to give it to others needs a reason. */
  rule: DispatchRule | null;
}

export interface UnitSummary extends UnitRef {
  level: string;
  place: PlaceRef | null;
  department: Named | null;
  workers: number;
  onDuty: number;
  inHand: number;
}

export interface Assignee {
  unit?: string;
  worker?: number;
  lead?: boolean;
}

export interface StepBody {
  step: string;
  version: number;
  reason?: string;
  note?: string;
  assignees?: Assignee[];
  into?: number;
}

export interface Stepped {
  event: EventSummary;
  version: number;
  position: string;
}

export interface AssignResults {
  results: { id: number; done: boolean; problem: { code: string; detail: string } | null }[];
  position: string;
}

/** A key by which a request that is sent twice is taken once. */
const onceKey = () => `${Date.now().toString(36)}-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;

const post = <T>(url: string, body: unknown) =>
  read<T>(url, {}, { method: 'POST', body: JSON.stringify(body), headers: { 'idempotency-key': onceKey() } });

export const hub = {
  step: (id: number, body: StepBody) => post<Stepped>(`/api/events/${id}/steps`, body),
  assign: (events: { id: number; version: number }[], assignees: Assignee[], reason: string) =>
    post<AssignResults>('/api/events/assign', { events, assignees, ...(reason ? { reason } : {}) }),
  similarTo: async (id: number, ask: Ask = {}) =>
    (await read<{ events: SimilarEvent[] }>(`/api/events/${id}/similar`, ask, {})).events,
  /** Before a report is sent; where it is travels in the body. */
  similar: async (sample: Sample) =>
    (await post<{ events: SimilarEvent[] }>('/api/events/similar', { ...sample, datum: 'WGS84' })).events,
  workers: (id: number, ask: Ask = {}) => read<Candidates>(`/api/events/${id}/workers`, ask, {}),
  /** Workers on duty who tell where they are, in a place. */
  presence: async (place: string, ask: Ask = {}) =>
    (await read<{ workers: Present[] }>(`/api/presence?place=${place}`, ask, {})).workers,
  units: async (place: string, ask: Ask = {}) =>
    (await read<{ units: UnitSummary[] }>(`/api/units${place ? `?place=${place}` : ''}`, ask, {})).units,
};
