import { type Ask, get, read } from './api';
import type { UnitRef, WorkerRef } from './hub';
import type { Named, PlaceRef } from './model';

/** An instruction that an officer gave to workers. */
export interface Instruction {
  id: number;
  text: string;
  actor: string;
  /** The officer's post; null: no worker. */
  post: Named | null;
  at: string;
  place: PlaceRef | null;
  event: number | null;
  told: number;
  read: number;
}

export interface InstructionTo extends WorkerRef {
  unit: UnitRef;
  onDuty: boolean;
  /** null: not yet, since the instruction was given. */
  readAt: string | null;
}

/** An instruction to the reader; readAt null: to be acknowledged. */
export interface Received {
  id: number;
  text: string;
  post: Named | null;
  at: string;
  event: number | null;
  readAt: string | null;
}

export interface Order {
  text: string;
  workers?: number[];
  place?: string;
  event?: number;
}

export const instructions = {
  list: async (event: number, ask: Ask = {}) =>
    (await get<{ instructions: Instruction[] }>('/api/instructions', ask, { event: event || undefined })).instructions,
  one: (id: number, ask: Ask = {}) => get<Instruction & { to: InstructionTo[] }>(`/api/instructions/${id}`, ask),
  mine: async (ask: Ask = {}) => (await get<{ instructions: Received[] }>('/api/instructions/mine', ask)).instructions,
  /** The key makes an order that is sent twice one. */
  give: (order: Order, key: string) =>
    read<{ id: number; position: string }>(
      '/api/instructions',
      {},
      {
        method: 'POST',
        body: JSON.stringify(order),
        headers: { 'idempotency-key': key },
      },
    ),
};
