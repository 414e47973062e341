import 'fake-indexeddb/auto';
import { IDBFactory, IDBObjectStore } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError } from '@/core/api';
import { createOutbox, type Outbox } from '@/core/outbox/outbox';
import { type Draft, FullError, type Item, openStore, type Store, type StoredPhoto } from '@/core/outbox/store';
import type { Wire } from '@/core/outbox/wire';

const ME = 'worker-1';

function photo(id: string, size = 1000): StoredPhoto {
  const bytes = new Uint8Array(size).map((_, i) => (i * 31 + id.length) & 255);
  return { id, role: 'report', takenAt: '2026-11-26T00:00:00Z', bytes: bytes.buffer };
}
function item(key: string, more: Partial<Item> = {}): Item {
  return {
    key,
    owner: ME,
    kind: 'report',
    at: Number(key.replace(/\D/g, '')) || 1,
    title: key,
    titleEn: key,
    body: { title: key },
    event: null,
    photos: [],
    evidence: [],
    state: 'waiting',
    sentAt: 0,
    error: '',
    ...more,
  };
}
const draft = (key: string, more: Partial<Draft> = {}): Draft => ({
  key,
  owner: ME,
  at: 1,
  step: 1,
  photos: [],
  where: null,
  address: '',
  category: '',
  item: '',
  text: '',
  ...more,
});

/** A server that keeps what it is told as the real one does: by key, once, parts by their offset. */
function createServer() {
  const events = new Map<string, { id: number; body: unknown }>();
  const uploads = new Map<string, { event: number; size: number; bytes: number[]; times: number }>();
  const reads = new Map<string, { instruction: number; times: number }>();
  const steps = new Map<string, { event: number; body: Readonly<Record<string, unknown>>; times: number }>();
  const order: string[] = [];
  const told = (id: string) => {
    const u = uploads.get(id);
    if (!u) throw new ApiError('not_found', 404, 'no such upload', 0);
    const whole = u.bytes.length === u.size;
    const base = { id: 1, event: u.event, role: 'report' as const, width: 1, height: 1, bytes: 1, takenAt: null };
    return {
      upload: id,
      size: u.size,
      offset: u.bytes.length,
      photo: whole ? { ...base, addedAt: '', hash: `hash-${id}`, large: '', small: '' } : null,
    };
  };
  const wire: Wire = {
    report: async (key, body) => {
      if (!events.has(key)) {
        events.set(key, { id: events.size + 1, body });
        order.push(key);
      }
      return events.get(key)?.id ?? 0;
    },
    step: async (key, event, body) => {
      const known = steps.get(key);
      steps.set(key, { event, body: body as Record<string, unknown>, times: (known?.times ?? 0) + 1 });
      if (!known) order.push(key);
    },
    read: async (key, instruction) => {
      const known = reads.get(key);
      reads.set(key, { instruction, times: (known?.times ?? 0) + 1 });
      if (!known) order.push(key);
    },
    begin: async (event, start) => {
      if (!uploads.has(start.key)) uploads.set(start.key, { event, size: start.size, bytes: [], times: 0 });
      return told(start.key);
    },
    part: async (upload, offset, bytes) => {
      const u = uploads.get(upload);
      if (!u) throw new ApiError('not_found', 404, 'no such upload', 0);
      if (offset !== u.bytes.length) throw new ApiError('conflict', 409, 'another byte', 0);
      u.bytes.push(...new Uint8Array(bytes));
      if (u.bytes.length === u.size) u.times++;
      return told(upload);
    },
  };
  return { wire, events, uploads, steps, reads, order };
}

/** A wire that breaks before the server hears, after it has heard, or not at all. */
function flapping(wire: Wire, broken: () => 'before' | 'after' | 'no'): Wire {
  const cut = () => new ApiError('network', 0, '', 0);
  const through = async <T>(work: () => Promise<T>): Promise<T> => {
    const when = broken();
    if (when === 'before') throw cut();
    const result = await work();
    if (when === 'after') throw cut();
    return result;
  };
  return {
    report: (k, b) => through(() => wire.report(k, b)),
    step: (k, e, b) => through(() => wire.step(k, e, b)),
    read: (k, i, at) => through(() => wire.read(k, i, at)),
    begin: (e, s) => through(() => wire.begin(e, s)),
    part: (u, o, b) => through(() => wire.part(u, o, b)),
  };
}

/** Repeatable chance (mulberry32). */
function dice(seed: number) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

let store: Store;
const open: Outbox[] = [];
const outboxOf = (wire: Wire, more: Partial<Parameters<typeof createOutbox>[0]> = {}) => {
  const o = createOutbox({ store, wire, owner: () => ME, pause: () => 0, ...more });
  open.push(o);
  return o;
};
const settled = async (o: Outbox) => {
  await o.kick();
  await vi.waitFor(() => expect(o.state.value).toBe('idle'), { timeout: 20_000, interval: 1 });
};

beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  store = await openStore('test');
});
afterEach(() => {
  for (const o of open.splice(0)) o.close();
  store.close();
  vi.restoreAllMocks();
});

describe('the outbox', () => {
  test('200 reports with photos over a network that flaps, in a page that is killed: each once, whole', async () => {
    const server = createServer();
    const chance = dice(7);
    for (let n = 1; n <= 200; n++) {
      const photos = [...Array(n % 3).keys()].map((i) => photo(`p${n}-${i}`, 3000 + 997 * i + n));
      await store.post(item(`r${n}`, { photos: photos.map((p) => p.id) }), photos);
    }
    let calls = 0;
    let lives = 0;
    for (;;) {
      lives++;
      // Each life of the page ends after some requests, in the middle of whatever it does.
      let left = 5 + Math.floor(chance() * 120);
      const alive = () => left > 0;
      const wire = flapping(server.wire, () => {
        calls++;
        left--;
        if (!alive()) return chance() < 0.5 ? 'before' : 'after';
        const c = chance();
        return c < 0.15 ? 'before' : c < 0.3 ? 'after' : 'no';
      });
      const o = createOutbox({ store, wire, owner: () => ME, pause: () => 0 });
      void o.kick();
      const all = () => o.items.value.length === 200 && o.items.value.every((i) => i.state === 'sent');
      await vi.waitFor(() => expect(!alive() || all()).toBe(true), { timeout: 20_000, interval: 1 });
      const done = all();
      o.close();
      store.close();
      store = await openStore('test');
      if (done) break;
    }
    expect(lives).toBeGreaterThan(5);
    expect(calls).toBeGreaterThan(600);
    expect(server.events.size).toBe(200);
    expect(server.order).toEqual([...Array(200).keys()].map((n) => `r${n + 1}`));
    let photos = 0;
    for (let n = 1; n <= 200; n++) {
      const event = server.events.get(`r${n}`);
      expect(event?.body).toEqual({ title: `r${n}` });
      for (let i = 0; i < n % 3; i++, photos++) {
        const u = server.uploads.get(`p${n}-${i}`);
        expect(u?.event).toBe(event?.id);
        expect(u?.times).toBe(1);
        expect(new Uint8Array(u?.bytes ?? [])).toEqual(new Uint8Array(photo(`p${n}-${i}`, 3000 + 997 * i + n).bytes));
      }
    }
    expect(server.uploads.size).toBe(photos);
    const left = await store.items();
    expect(left.every((i) => i.state === 'sent' && i.photos.length === 0)).toBe(true);
    expect(await store.photo('p1-0')).toBeUndefined();
  }, 120_000);

  test('a step is sent after its photos and names them', async () => {
    const server = createServer();
    const o = outboxOf(server.wire);
    await o.post(item('s1', { kind: 'step', event: 9, body: { step: 'feedback', note: '好了' }, photos: ['a', 'b'] }), [
      photo('a'),
      photo('b', 200_000),
    ]);
    await settled(o);
    expect(server.steps.get('s1')?.body).toEqual({ step: 'feedback', note: '好了', evidence: ['hash-a', 'hash-b'] });
  });

  test('an acknowledgement arrives once, however often the network breaks', async () => {
    const server = createServer();
    const when = ['before', 'after', 'after', 'no'] as const;
    let n = 0;
    const o = outboxOf(flapping(server.wire, () => when[Math.min(n++, 3)] ?? 'no'));
    await o.post(item('a1', { kind: 'read', event: 7, body: { at: '2026-01-01T00:00:00Z' } }));
    await settled(o);
    expect(server.order).toEqual(['a1']);
    expect(server.reads.get('a1')?.instruction).toBe(7);
    expect((await store.items()).map((i) => i.state)).toEqual(['sent']);
  });

  test('what the server refuses is kept with its word, and the rest goes on', async () => {
    const server = createServer();
    const wire = {
      ...server.wire,
      report: async (key: string, body: unknown) => {
        if (key === 'r1') throw new ApiError('invalid', 422, 'title: is empty', 0);
        return server.wire.report(key, body);
      },
    };
    const o = outboxOf(wire);
    await store.post(item('r1', { photos: ['a'] }), [photo('a')]);
    await o.post(item('r2'));
    await settled(o);
    await vi.waitFor(() => expect(o.items.value.map((i) => i.state)).toEqual(['refused', 'sent']));
    expect(o.items.value[0]?.error).toBe('title: is empty');
    expect(await store.photo('a')).toBeDefined();
    await o.drop('r1');
    expect(await store.photo('a')).toBeUndefined();
  });

  test('a photo that is refused holds up nothing', async () => {
    const server = createServer();
    const wire: Wire = {
      ...server.wire,
      part: async () => {
        throw new ApiError('invalid', 422, 'photo: is damaged', 0);
      },
    };
    const o = outboxOf(wire);
    await o.post(item('r1', { photos: ['a'] }), [photo('a')]);
    await settled(o);
    expect((await store.item('r1'))?.state).toBe('sent');
    expect((await store.item('r1'))?.error).toBe('photo: is damaged');
  });

  test('nobody signed in: waits for it, loses nothing', async () => {
    const server = createServer();
    let signedIn = false;
    const o = outboxOf({
      ...server.wire,
      report: async (key, body) => {
        if (!signedIn) throw new ApiError('unauthenticated', 401, '', 0);
        return server.wire.report(key, body);
      },
    });
    await o.post(item('r1'));
    await vi.waitFor(() => expect(o.state.value).toBe('signedOut'));
    signedIn = true;
    await o.kick();
    await settled(o);
    expect(server.events.size).toBe(1);
  });

  test("another account's reports are not sent as one's own", async () => {
    const server = createServer();
    const o = outboxOf(server.wire);
    await store.post(item('r1', { owner: 'worker-2' }));
    await o.post(item('r2'));
    await settled(o);
    expect([...server.events.keys()]).toEqual(['r2']);
  });

  test('waits as long as the server asks', async () => {
    const server = createServer();
    let tries = 0;
    const pauses: number[] = [];
    const timer = vi.spyOn(globalThis, 'setTimeout');
    const o = outboxOf(
      {
        ...server.wire,
        report: async (key, body) => {
          if (tries++ === 0) throw new ApiError('unavailable', 503, 'full', 40);
          return server.wire.report(key, body);
        },
      },
      {
        pause: (n) => {
          pauses.push(n);
          return 1;
        },
      },
    );
    await o.post(item('r1'));
    await vi.waitFor(() => expect(server.events.size).toBe(1));
    expect(pauses).toEqual([]);
    expect(timer.mock.calls.some((c) => c[1] === 40)).toBe(true);
  });

  test('two windows send each report once', async () => {
    const server = createServer();
    const [a, b] = [outboxOf(server.wire), outboxOf(server.wire)];
    for (let n = 1; n <= 20; n++) await store.post(item(`r${n}`, { photos: [`p${n}`] }), [photo(`p${n}`)]);
    await Promise.all([a.kick(), b.kick()]);
    await vi.waitFor(async () => expect((await store.items()).every((i) => i.state === 'sent')).toBe(true));
    expect(server.events.size).toBe(20);
    for (const u of server.uploads.values()) expect(u.times).toBe(1);
  });
});

describe('the store', () => {
  test('a draft becomes an item once; saving it late from another window does not bring it back', async () => {
    await store.savePhoto(draft('d', { photos: ['a'] }), photo('a'));
    await store.post(item('d', { photos: ['a'] }));
    await store.post(item('d', { title: 'again' }));
    await store.saveDraft(draft('d', { text: 'late' }));
    expect(await store.drafts()).toEqual([]);
    expect((await store.items()).map((i) => i.title)).toEqual(['d']);
    expect(await store.photo('a')).toBeDefined();
  });

  test('no space left: told, and nothing of before is lost', async () => {
    await store.savePhoto(draft('d', { text: '积水', photos: ['a'] }), photo('a'));
    const put = IDBObjectStore.prototype.put;
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
      if (this.name === 'photos') throw new DOMException('full', 'QuotaExceededError');
      return put.apply(this, args);
    });
    await expect(store.savePhoto(draft('d', { text: '积水', photos: ['a', 'b'] }), photo('b'))).rejects.toThrow(
      FullError,
    );
    await expect(store.post(item('s', { photos: ['c'] }), [photo('c')])).rejects.toThrow(FullError);
    vi.restoreAllMocks();
    expect((await store.draft('d'))?.photos).toEqual(['a']);
    expect(await store.photo('a')).toBeDefined();
    expect(await store.items()).toEqual([]);
    // The text alone still fits.
    await store.saveDraft(draft('d', { text: '积水很深', photos: ['a'] }));
    expect((await store.draft('d'))?.text).toBe('积水很深');
  });

  test('sweeps what was sent long ago and photos of nobody', async () => {
    await store.post(item('old', { state: 'sent', sentAt: 10 }));
    await store.post(item('new', { state: 'sent', sentAt: 100 }));
    await store.post(item('waiting', { photos: ['kept'] }), [photo('kept')]);
    await store.savePhoto(draft('d', { photos: [] }), photo('stray'));
    await store.sweep(50);
    expect((await store.items()).map((i) => i.key).sort()).toEqual(['new', 'waiting']);
    expect(await store.photo('stray')).toBeUndefined();
    expect(await store.photo('kept')).toBeDefined();
  });
});
