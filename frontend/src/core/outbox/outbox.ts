import { type Ref, shallowRef } from 'vue';
import { ApiError } from '../api';
import type { Item, Store, StoredPhoto } from './store';
import type { Wire } from './wire';

/** idle: nothing waits; waiting: tries again by itself; signedOut: nothing goes before somebody signs in. */
export type OutboxState = 'idle' | 'sending' | 'waiting' | 'signedOut';

export interface Progress {
  key: string;
  /** 0 … 1 of the photos of the item. */
  part: number;
}

export interface OutboxOptions {
  store: Store;
  wire: Wire;
  /** Whose items are sent: another account's wait for their owner. */
  owner: () => string;
  now?: () => number;
  /** Milliseconds to wait before a try. */
  pause?: (attempt: number) => number;
}

export interface Outbox {
  readonly items: Ref<readonly Item[]>;
  readonly state: Ref<OutboxState>;
  readonly progress: Ref<Progress | null>;
  /** Tells of each item that has arrived whole. */
  onSent(listen: (item: Item) => void): () => void;
  /** Keeps an item and sends it as soon as it goes. Rejects with FullError, and then nothing is kept. */
  post(item: Item, photos?: readonly StoredPhoto[]): Promise<void>;
  /** Sends now what waits. Resolves when nothing more can be done at present. */
  kick(): Promise<void>;
  retry(key: string): Promise<void>;
  drop(key: string): Promise<void>;
  refresh(): Promise<void>;
  close(): void;
}

/** Bytes of a part: begins small, grows while it goes well. */
const SMALLEST = 16 << 10;
const FIRST = 64 << 10;
const GREATEST = 512 << 10;
/** A part that took less than this many milliseconds may be followed by a greater one. */
const QUICK = 1500;

/** 1, 2, 4 … 60 s, with jitter, so that many phones do not return in one instant. */
const later = (attempt: number) => Math.min(60_000, 1000 * 2 ** attempt) * (0.75 + Math.random() / 2);

/**
 * Sends what the store holds, in order, each exactly once: the server knows an item by its key, and the store forgets a
 * photo only after the server has said that it has it. Whatever breaks off is taken up where it was. One window sends
 * at a time.
 */
export function createOutbox({ store, wire, owner, now = Date.now, pause = later }: OutboxOptions): Outbox {
  const items = shallowRef<readonly Item[]>([]);
  const state = shallowRef<OutboxState>('idle');
  const progress = shallowRef<Progress | null>(null);
  const listeners = new Set<(item: Item) => void>();
  let size = FIRST;
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> | null = null;
  let again = false;
  let closed = false;

  // What was written before anybody was known on this phone belongs to who signs in first.
  const mine = () => items.value.filter((i) => i.owner === owner() || i.owner === '');
  async function refresh() {
    if (!closed) items.value = await store.items();
  }

  async function sendPhoto(item: Item, event: number, id: string): Promise<Item> {
    const photo = await store.photo(id);
    // A photo that the phone has lost cannot be waited for.
    if (!photo) return changed(item, (i) => ({ ...i, photos: i.photos.filter((p) => p !== id) }));
    const { role, takenAt, bytes } = photo;
    let up = await wire.begin(event, { key: id, role, size: bytes.byteLength, takenAt });
    while (!up.photo) {
      const began = now();
      const end = Math.min(up.offset + size, bytes.byteLength);
      try {
        up = await wire.part(up.upload, up.offset, bytes.slice(up.offset, end));
      } catch (cause) {
        size = Math.max(SMALLEST, size >> 1);
        throw cause;
      }
      if (now() - began < QUICK) size = Math.min(GREATEST, size << 1);
      const done = item.evidence.length + up.offset / bytes.byteLength;
      progress.value = { key: item.key, part: done / (item.evidence.length + item.photos.length) };
    }
    const { hash } = up.photo;
    return changed(item, (i) => ({ ...i, photos: i.photos.filter((p) => p !== id), evidence: [...i.evidence, hash] }));
  }

  async function changed(item: Item, to: (i: Item) => Item): Promise<Item> {
    return (await store.change(item.key, to)) ?? to(item);
  }

  /** A photo that the server refuses is dropped with a word; what it belongs to is sent all the same. */
  async function sendPhotos(from: Item, event: number): Promise<Item> {
    let item = from;
    for (const id of from.photos) {
      try {
        item = await sendPhoto(item, event, id);
      } catch (cause) {
        if (!refusal(cause) || (cause.status !== 422 && cause.status !== 413)) throw cause;
        item = await changed(item, (i) => ({
          ...i,
          photos: i.photos.filter((p) => p !== id),
          error: cause.message,
        }));
      }
    }
    return item;
  }

  async function sendItem(from: Item): Promise<void> {
    let item = from;
    progress.value = { key: item.key, part: 0 };
    try {
      if (item.kind === 'report') {
        const event = item.event ?? (await wire.report(item.key, item.body));
        if (item.event === null) item = await changed(item, (i) => ({ ...i, event }));
        item = await sendPhotos(item, event);
      } else if (item.kind === 'read' && item.event !== null) {
        await wire.read(item.key, item.event, item.body.at);
      } else if (item.event !== null) {
        const { event } = item;
        // What is to be proved must be there before the step that names it.
        item = await sendPhotos(item, event);
        const evidence = item.evidence.length ? { evidence: item.evidence } : {};
        await wire.step(item.key, event, { ...item.body, ...evidence });
      }
      item = await changed(item, (i) => ({
        ...i,
        state: 'sent',
        sentAt: now(),
        body: i.kind === 'step' ? { step: i.body.step } : {}, // nothing personal outlives the sending
      }));
      for (const listen of listeners) listen(item);
    } catch (cause) {
      if (!refusal(cause)) throw cause;
      await changed(item, (i) => ({ ...i, state: 'refused', error: cause.message || String(cause.status) }));
    } finally {
      progress.value = null;
      await refresh();
    }
  }

  async function sendAll() {
    for (;;) {
      await refresh();
      const next = mine().find((i) => i.state === 'waiting');
      if (!next || closed) break;
      state.value = 'sending';
      await sendItem(next);
      attempt = 0;
    }
    state.value = 'idle';
  }

  async function run() {
    clearTimeout(timer);
    timer = undefined;
    try {
      if (await exclusively(sendAll)) return;
      // Another window is at it; should it end before it is done, this one goes on.
      await refresh();
      if (!mine().some((i) => i.state === 'waiting')) return;
      state.value = 'waiting';
      timer = setTimeout(() => void kick(), pause(2));
    } catch (cause) {
      if (closed) return;
      if (cause instanceof ApiError && cause.status === 401) {
        state.value = 'signedOut';
        return;
      }
      state.value = 'waiting';
      const asked = cause instanceof ApiError ? cause.retryAfter : 0;
      timer = setTimeout(() => void kick(), asked || pause(attempt++));
    }
  }

  function kick(): Promise<void> {
    if (closed) return Promise.resolve();
    again = !!running;
    running ??= run().finally(() => {
      running = null;
      if (again && !closed) void kick();
      again = false;
    });
    return running;
  }

  const onOnline = () => {
    attempt = 0;
    void kick();
  };
  globalThis.addEventListener?.('online', onOnline);

  return {
    items,
    state,
    progress,
    onSent(listen) {
      listeners.add(listen);
      return () => listeners.delete(listen);
    },
    async post(item, photos = []) {
      await store.post(item, photos);
      await refresh();
      void kick();
    },
    kick,
    async retry(key) {
      await store.change(key, (i) => ({ ...i, state: 'waiting', error: '' }));
      await refresh();
      void kick();
    },
    async drop(key) {
      await store.dropItem(key);
      await refresh();
    },
    refresh,
    close() {
      closed = true;
      clearTimeout(timer);
      globalThis.removeEventListener?.('online', onOnline);
    },
  };
}

/** Whether the server has understood and says no, so that sending the same again is of no use. */
function refusal(cause: unknown): cause is ApiError {
  return (
    cause instanceof ApiError &&
    cause.status >= 400 &&
    cause.status < 500 &&
    ![401, 408, 425, 429].includes(cause.status)
  );
}

/** Only one window of this browser does it at a time; the lock ends with the window, however that ends. */
async function exclusively(work: () => Promise<void>): Promise<boolean> {
  const locks = globalThis.navigator?.locks;
  if (!locks) {
    await work();
    return true;
  }
  return locks.request('onepicture-outbox', { ifAvailable: true }, async (lock) => {
    if (lock) await work();
    return lock !== null;
  });
}
