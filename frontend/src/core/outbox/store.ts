import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from 'idb';

export type Role = 'report' | 'before' | 'after';

/** A photo on the phone: kept from the moment that it is taken until the server has it. */
export interface StoredPhoto {
  id: string;
  role: Role;
  takenAt: string;
  /** JPEG. */
  bytes: ArrayBuffer;
}

/** A report that is being written. Its key becomes the client key under which it is sent, so it can never be two. */
export interface Draft {
  key: string;
  owner: string;
  at: number;
  step: number;
  photos: string[];
  where: Where | null;
  address: string;
  category: string;
  item: string;
  text: string;
}

export interface Where {
  lon: number;
  lat: number;
  /** Metres; 0 when it was set by hand. */
  accuracy: number;
  by: 'here' | 'map' | 'name';
  /** The places there, from the root down, in words; '' until the server was asked. */
  place: string;
  placeEn: string;
  /** Code of the deepest place there; '' when not known. */
  code: string;
}

/** What must reach the server exactly once. */
export interface Item {
  key: string;
  owner: string;
  kind: 'report' | 'step' | 'read';
  /** When it was put here, in milliseconds; the order of sending. */
  at: number;
  /** In words, for the list of what is unsent. */
  title: string;
  titleEn: string;
  /** The body of the report or of the step. */
  body: Readonly<Record<string, unknown>>;
  /** Of a step from the start, of a report once it is filed; of what was read, the instruction. */
  event: number | null;
  /** Of a step: the version of the event that its doer saw. */
  seen?: number;
  /** Photos that are still on the phone. */
  photos: string[];
  /** SHA-256 of the photos that the server has. */
  evidence: string[];
  state: 'waiting' | 'sent' | 'refused';
  sentAt: number;
  /** Why it was refused, or what became of a photo. */
  error: string;
}

interface Schema extends DBSchema {
  drafts: { key: string; value: Draft };
  items: { key: string; value: Item };
  photos: { key: string; value: StoredPhoto };
}

export type Database = IDBPDatabase<Schema>;

const NAME = 'onepicture-field';

/** The phone has no space left: nothing of the write was kept, all from before is. */
export class FullError extends Error {
  constructor() {
    super('the phone has no space left');
    this.name = 'FullError';
  }
}

/**
 * Drafts, outbox and photos in IndexedDB. Each method is one transaction: after a crash either all of it happened or
 * nothing. Writes reject with FullError when there is no space.
 */
export async function openStore(name = NAME) {
  const db: Database = await openDB<Schema>(name, 1, {
    upgrade(fresh) {
      fresh.createObjectStore('drafts', { keyPath: 'key' });
      fresh.createObjectStore('items', { keyPath: 'key' });
      fresh.createObjectStore('photos', { keyPath: 'id' });
    },
  });

  /** Runs one transaction over all stores, on the disk when it resolves. */
  async function write<T>(work: (tx: ReturnType<typeof begin>) => Promise<T>): Promise<T> {
    const tx = begin();
    try {
      const [result] = await Promise.all([work(tx), tx.done]);
      return result;
    } catch (cause) {
      abort(tx);
      await tx.done.catch(() => undefined);
      throw full(cause) || full(tx.error) ? new FullError() : cause;
    }
  }
  const begin = () => db.transaction(['drafts', 'items', 'photos'], 'readwrite', { durability: 'strict' });

  return {
    drafts: async () => (await db.getAll('drafts')).sort((a, b) => b.at - a.at),
    draft: (key: string) => db.get('drafts', key),
    items: async () => (await db.getAll('items')).sort((a, b) => a.at - b.at),
    item: (key: string) => db.get('items', key),
    photo: (id: string) => db.get('photos', id),
    saveDraft: (draft: Draft) =>
      write(async (tx) => {
        // A draft that was sent from another window stays sent.
        if (!(await tx.objectStore('items').get(draft.key))) await tx.objectStore('drafts').put(draft);
      }),
    /** Adds a photo to a draft. */
    savePhoto: (draft: Draft, photo: StoredPhoto) =>
      write(async (tx) => {
        await tx.objectStore('photos').put(photo);
        await tx.objectStore('drafts').put(draft);
      }),
    dropPhoto: (draft: Draft, id: string) =>
      write(async (tx) => {
        await tx.objectStore('photos').delete(id);
        await tx.objectStore('drafts').put(draft);
      }),
    dropDraft: (key: string) =>
      write(async (tx) => {
        const draft = await tx.objectStore('drafts').get(key);
        await Promise.all((draft?.photos ?? []).map((id) => tx.objectStore('photos').delete(id)));
        await tx.objectStore('drafts').delete(key);
      }),
    /** Makes an item of a draft, or of nothing but its photos, once: the same key again changes nothing. */
    post: (item: Item, photos: readonly StoredPhoto[] = []) =>
      write(async (tx) => {
        if (await tx.objectStore('items').get(item.key)) return;
        for (const photo of photos) await tx.objectStore('photos').put(photo);
        await tx.objectStore('items').put(item);
        await tx.objectStore('drafts').delete(item.key);
      }),
    /** Changes an item that is there and drops the photos that it needs no longer. */
    change: (key: string, to: (item: Item) => Item) =>
      write(async (tx) => {
        const before = await tx.objectStore('items').get(key);
        if (!before) return undefined;
        const after = to(before);
        await tx.objectStore('items').put(after);
        for (const id of before.photos) if (!after.photos.includes(id)) await tx.objectStore('photos').delete(id);
        return after;
      }),
    dropItem: (key: string) =>
      write(async (tx) => {
        const item = await tx.objectStore('items').get(key);
        await Promise.all((item?.photos ?? []).map((id) => tx.objectStore('photos').delete(id)));
        await tx.objectStore('items').delete(key);
      }),
    /** Forgets all that was sent before a time, and photos that nothing names. */
    sweep: (before: number) =>
      write(async (tx) => {
        const items = await tx.objectStore('items').getAll();
        const drafts = await tx.objectStore('drafts').getAll();
        for (const i of items) if (i.state === 'sent' && i.sentAt < before) await tx.objectStore('items').delete(i.key);
        const named = new Set([...items, ...drafts].flatMap((x) => x.photos));
        for (const id of await tx.objectStore('photos').getAllKeys()) {
          if (!named.has(id)) await tx.objectStore('photos').delete(id);
        }
      }),
    close: () => db.close(),
  };
}

export type Store = Awaited<ReturnType<typeof openStore>>;

/** Forgets everything on the phone. */
export const forgetStore = (name = NAME) => deleteDB(name);

/** Undoes what a transaction has done so far; one that failed by itself is undone already. */
function abort(tx: { abort(): void }) {
  try {
    tx.abort();
  } catch {
    // It has ended.
  }
}

function full(cause: unknown): boolean {
  return cause instanceof DOMException && (cause.name === 'QuotaExceededError' || cause.name === 'UnknownError');
}
