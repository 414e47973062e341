import { type Ref, shallowRef } from 'vue';
import type { Change } from './model';

/** connecting: never had word yet; live: heard within `silence`; lost: was live, is not now. */
export type StreamState = 'connecting' | 'live' | 'lost';

/** The part of EventSource that the client needs; tests hand in their own. */
export interface Source {
  onopen: (() => void) | null;
  onerror: (() => void) | null;
  addEventListener(type: string, listener: (event: { data: string }) => void): void;
  close(): void;
}

export interface StreamOptions {
  /** The position that the page's data reflects at least. */
  after: string;
  onChange(change: Change): void;
  /** Too far behind to be told every change: everything must be loaded again. */
  onReset(): void;
  open?: (url: string) => Source;
  now?: () => number;
  /** Milliseconds without a word after which the stream counts as lost. The server speaks every 5 s. */
  silence?: number;
}

export interface Stream {
  readonly state: Ref<StreamState>;
  /** Commit time of the last position heard of (RFC 3339); '' before the first. */
  readonly asOf: Ref<string>;
  /** When the stream was last heard, in milliseconds since 1970. */
  readonly heardAt: Ref<number>;
  /** The last position whose changes have all been delivered. */
  complete(): string;
  close(): void;
}

/** Order of two positions, which exceed what a number holds. */
export function later(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}

/** The later of two RFC 3339 times; '' is before all. */
export function latest(a: string, b: string): string {
  return b === '' || Date.parse(a) > Date.parse(b) ? a : b;
}

const url = (after: string) => `/api/stream?after=${encodeURIComponent(after)}`;
const key = (c: Change) => `${c.position}/${c.kind}/${c.op}/${c.id ?? ''}/${c.layers.join()}/${c.bounds?.join() ?? ''}`;

/**
 * Follows the server's changes and resumes without loss and without doubles.
 *
 * Several changes may share a position, so a position is complete only when a later one is heard. The client resumes
 * after the last complete position and drops the changes that it has already delivered since.
 */
export function openStream(options: StreamOptions): Stream {
  const now = options.now ?? Date.now;
  const silence = options.silence ?? 15_000;
  const open = options.open ?? ((u: string) => new EventSource(u) as unknown as Source);
  const state = shallowRef<StreamState>('connecting');
  const asOf = shallowRef('');
  const heardAt = shallowRef(now());

  let complete = options.after;
  let current = options.after;
  const seen = new Set<string>();
  let source: Source | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let attempts = 0;
  let closed = false;

  const heard = () => {
    heardAt.value = now();
    attempts = 0;
    state.value = 'live';
  };
  const completeThrough = (position: string) => {
    if (!later(position, complete)) return;
    complete = position;
    for (const k of seen) if (!later(k.slice(0, k.indexOf('/')), complete)) seen.delete(k);
  };

  function change(data: string) {
    heard();
    const c = JSON.parse(data) as Change;
    if (!later(c.position, complete) || seen.has(key(c))) return;
    if (later(c.position, current)) {
      completeThrough(current);
      current = c.position;
    }
    seen.add(key(c));
    asOf.value = latest(c.at, asOf.value);
    options.onChange(c);
  }

  function position(data: string) {
    heard();
    const p = JSON.parse(data) as { position: string; asOf: string };
    completeThrough(p.position);
    if (later(p.position, current)) current = p.position;
    asOf.value = p.asOf;
  }

  function reset(data: string) {
    heard();
    const p = JSON.parse(data) as { position: string };
    complete = current = p.position;
    seen.clear();
    options.onReset();
  }

  function lost() {
    source?.close();
    source = null;
    if (closed) return;
    if (state.value === 'live') state.value = 'lost';
    clearTimeout(retry);
    // 0.5, 1, 2, 4, 5, 5 … s with jitter, so that many pages do not return in one instant.
    const wait = Math.min(5000, 500 * 2 ** attempts++) * (0.75 + Math.random() / 2);
    retry = setTimeout(connect, wait);
  }

  function connect() {
    if (closed) return;
    const opened = open(url(complete));
    source = opened;
    const of = (handle: (data: string) => void) => (e: { data: string }) => {
      if (source === opened) handle(e.data);
    };
    opened.onerror = () => {
      if (source === opened) lost();
    };
    opened.addEventListener('change', of(change));
    opened.addEventListener('position', of(position));
    opened.addEventListener('reset', of(reset));
  }

  // A connection can die without an error (a laptop that slept, a dropped route): silence is an error too.
  const watch = setInterval(
    () => {
      if (source && now() - heardAt.value > silence) lost();
    },
    Math.min(1000, silence),
  );
  connect();

  return {
    state,
    asOf,
    heardAt,
    complete: () => complete,
    close() {
      closed = true;
      clearInterval(watch);
      clearTimeout(retry);
      source?.close();
      source = null;
    },
  };
}
