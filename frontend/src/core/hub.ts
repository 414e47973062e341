import { type Ask, read } from './api';
import type { EventSummary, Named, PlaceRef } from './model';

/** The life of an event as the API tells it: docs/event-life.md. */
export interface EventLife {
  /** city, town or village. */
  command: string;
  whistled: boolean;
  clockAt: string | null;
  suspendedAt: string | null;
  timeline: TimelineEntry[];
  assignments: EventAssignment[];
  /** Steps that the reader may take now. */
  actions: EventAction[];
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
  workers: async (id: number, ask: Ask = {}) =>
    (await read<{ workers: Candidate[] }>(`/api/events/${id}/workers`, ask, {})).workers,
  units: async (place: string, ask: Ask = {}) =>
    (await read<{ units: UnitSummary[] }>(`/api/units${place ? `?place=${place}` : ''}`, ask, {})).units,
};
