/** What the desk asks of the event catalogue. */
import { type Ask, get, read } from '@/core/api';
import type { ItemDef } from '@/core/model';
import { address } from './records';

export interface ItemVersion extends ItemDef {
  version: number;
  object: string;
  duty: string;
  /** Hours for the levels 1 to 4. */
  levelHours: number[];
  roundClock: boolean;
  steps: string[];
  verifyLevel: string;
  /** What counts as a report of the same, and as a repeat. */
  dupMeters: number;
  dupHours: number;
  repeatDays: number;
  validFrom: string;
  /** First day on which it is no longer; null: open. */
  validTo: string | null;
  current: boolean;
}

export interface ItemFault {
  /** 0: the whole file. */
  row: number;
  column: string;
  class: string;
  /** In English. */
  reason: string;
}

export interface ItemsTaken {
  written: boolean;
  added: number;
  changed: number;
  ended: number;
  same: number;
  faults: ItemFault[];
  position: string;
}

export const items = {
  versions: async (code: string, ask: Ask = {}) =>
    (await get<{ versions: ItemVersion[] }>(`/api/items/${encodeURIComponent(code)}`, ask)).versions,
  put: (file: Blob, dry: boolean, from: string) =>
    read<ItemsTaken>(
      address('/api/items', { dry: dry || undefined, from }),
      {},
      {
        method: 'POST',
        body: file,
        headers: { 'content-type': 'application/octet-stream' },
      },
    ),
};
