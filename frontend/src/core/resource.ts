import { onScopeDispose, type Ref, shallowRef, type WatchSource, watch } from 'vue';
import { ApiError, type Ask } from './api';

/** Something read from the server under a key; what was read stays until something newer has arrived. */
export interface Resource<T> {
  readonly data: Ref<T | null>;
  /** The last failure; null once something was read. */
  readonly error: Ref<ApiError | null>;
  readonly loading: Ref<boolean>;
  /** When the next try happens by itself (milliseconds since 1970); 0: none is planned. */
  readonly retryAt: Ref<number>;
  /** Reads again, from a state that includes the position. Calls within one turn of `gather` become one. */
  refresh(min?: string): void;
}

interface Options {
  /** Milliseconds between two refreshes at most. */
  gather?: number;
  /** What was read is shown until the next has come, while this part of the key stays the same. */
  while?: (key: string) => string;
}

/**
 * Reads `load(key)` when the key changes and on refresh. A passing failure is tried again by itself after 1, 2, 4 … 10 s
 * or after what the server asks. An empty key reads nothing.
 */
export function useResource<T>(
  key: WatchSource<string>,
  load: (key: string, ask: Ask) => Promise<T>,
  options: Options = {},
): Resource<T> {
  const data = shallowRef<T | null>(null) as Ref<T | null>;
  const error = shallowRef<ApiError | null>(null);
  const loading = shallowRef(false);
  const retryAt = shallowRef(0);
  let current = '';
  let min: string | undefined;
  let abort: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let readAt = 0;
  let again = false;

  /** A refresh that comes while a read is under way waits for its end: a steady flow of changes starves nothing. */
  function reread() {
    timer = undefined;
    if (loading.value) again = true;
    else void read();
  }

  function later() {
    clearTimeout(timer);
    retryAt.value = 0;
    timer = setTimeout(reread, Math.max(0, (options.gather ?? 0) - (Date.now() - readAt)));
  }

  async function read() {
    again = false;
    clearTimeout(timer);
    timer = undefined;
    retryAt.value = 0;
    abort?.abort();
    if (!current) return;
    const mine = new AbortController();
    abort = mine;
    loading.value = true;
    readAt = Date.now();
    try {
      const value = await load(current, min ? { signal: mine.signal, min } : { signal: mine.signal });
      if (abort !== mine) return;
      data.value = value;
      error.value = null;
      failures = 0;
    } catch (cause) {
      if (abort !== mine) return;
      const failed = cause instanceof ApiError ? cause : new ApiError('page', 0, String(cause), 0);
      error.value = failed;
      if (failed.passing) {
        const wait = failed.retryAfter || Math.min(10_000, 1000 * 2 ** failures++);
        retryAt.value = Date.now() + wait;
        timer = setTimeout(read, wait);
      }
    } finally {
      if (abort === mine) {
        loading.value = false;
        if (again && !retryAt.value) later();
      }
    }
  }

  watch(
    key,
    (next) => {
      const before = current;
      current = next;
      min = undefined;
      failures = 0;
      if (!next || !options.while || options.while(next) !== options.while(before)) data.value = null;
      error.value = null;
      void read();
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    clearTimeout(timer);
    abort?.abort();
    abort = null;
  });

  return {
    data,
    error,
    loading,
    retryAt,
    refresh(position) {
      if (position) min = position;
      if (timer === undefined || retryAt.value) later();
    },
  };
}
