import { ApiError, problem } from '../api';
import type { PhotoUpload } from '../model';

/** The requests that the outbox makes; tests hand in their own. */
export interface Wire {
  report(key: string, body: unknown): Promise<number>;
  step(key: string, event: number, body: unknown): Promise<void>;
  /** Acknowledges an instruction. */
  read(key: string, instruction: number, at: unknown): Promise<void>;
  begin(event: number, start: { key: string; role: string; size: number; takenAt: string }): Promise<PhotoUpload>;
  part(upload: string, offset: number, bytes: ArrayBuffer): Promise<PhotoUpload>;
}

/** Longest wait for an answer in milliseconds; a part may take long on a bad network. */
const PATIENCE = 20_000;
const PART_PATIENCE = 60_000;

async function send<T>(method: string, url: string, body: BodyInit, headers: Record<string, string>, patience: number) {
  let response: Response;
  try {
    response = await fetch(url, { method, body, headers, signal: AbortSignal.timeout(patience) });
  } catch {
    throw new ApiError('network', 0, '', 0);
  }
  if (!response.ok) throw await problem(response);
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError('network', 0, '', 0); // cut off in the middle of the answer
  }
}

const json = { 'content-type': 'application/json', accept: 'application/json' };
const post = <T>(url: string, body: unknown, headers: Record<string, string> = {}) =>
  send<T>('POST', url, JSON.stringify(body), { ...json, ...headers }, PATIENCE);

/** The server of this page. */
export const serverWire: Wire = {
  report: async (key, body) =>
    (await post<{ event: { id: number } }>('/api/events', body, { 'idempotency-key': key })).event.id,
  step: async (key, event, body) => {
    await post(`/api/events/${event}/steps`, body, { 'idempotency-key': key });
  },
  read: async (key, instruction, at) => {
    await post(`/api/instructions/${instruction}/read`, { at }, { 'idempotency-key': key });
  },
  begin: (event, start) => post<PhotoUpload>(`/api/events/${event}/photos`, start),
  part: (upload, offset, bytes) =>
    send<PhotoUpload>(
      'PATCH',
      `/api/photos/${upload}/part?offset=${offset}`,
      bytes,
      { 'content-type': 'application/octet-stream', accept: 'application/json' },
      PART_PATIENCE,
    ),
};
