import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { effectScope, nextTick, shallowRef } from 'vue';
import { ApiError, type Ask } from '@/core/api';
import { useResource } from '@/core/resource';

const busy = (after = 0) => new ApiError('unavailable', 503, 'loading', after);
const settle = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

describe('resource', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function setup(load: (key: string, ask: Ask) => Promise<string>, gather = 0) {
    const key = shallowRef('a');
    const scope = effectScope();
    const resource = scope.run(() => useResource(key, load, { gather }));
    if (!resource) throw new Error('no scope');
    return { key, scope, resource };
  }

  it('reads on start and when the key changes, and shows nothing of the old key under the new', async () => {
    const { key, resource, scope } = setup(async (k) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return k.toUpperCase();
    });
    await vi.advanceTimersByTimeAsync(10);
    expect(resource.data.value).toBe('A');
    key.value = 'b';
    await nextTick();
    expect(resource.data.value).toBeNull();
    await vi.advanceTimersByTimeAsync(10);
    expect(resource.data.value).toBe('B');
    scope.stop();
  });

  it('shows what was read until the next has come, while the part of the key that matters stays', async () => {
    const key = shallowRef('a@1');
    const scope = effectScope();
    const load = async (k: string) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return k;
    };
    const resource = scope.run(() => useResource(key, load, { while: (k) => k.slice(0, 1) }));
    await vi.advanceTimersByTimeAsync(10);
    key.value = 'a@2';
    await nextTick();
    expect(resource?.data.value).toBe('a@1');
    expect(resource?.loading.value).toBe(true);
    await vi.advanceTimersByTimeAsync(10);
    expect(resource?.data.value).toBe('a@2');
    key.value = 'b@2';
    await nextTick();
    expect(resource?.data.value).toBeNull();
    scope.stop();
  });

  it('drops an answer to a question no longer asked', async () => {
    const answers: ((v: string) => void)[] = [];
    const { key, resource, scope } = setup(() => new Promise((resolve) => answers.push(resolve)));
    key.value = 'b';
    await nextTick();
    answers[1]?.('new');
    answers[0]?.('old');
    await settle();
    expect(resource.data.value).toBe('new');
    scope.stop();
  });

  it('tries a passing failure again when the server asks, and keeps what it had', async () => {
    let failing = false;
    const load = vi.fn(async () => {
      if (failing) throw busy(3000);
      return 'fine';
    });
    const { resource, scope } = setup(load);
    await settle();
    failing = true;
    resource.refresh();
    await vi.advanceTimersByTimeAsync(0);
    expect(resource.data.value).toBe('fine');
    expect(resource.error.value?.status).toBe(503);
    failing = false;
    await vi.advanceTimersByTimeAsync(2900);
    expect(load).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(load).toHaveBeenCalledTimes(3);
    expect(resource.error.value).toBeNull();
    scope.stop();
  });

  it('does not try again what cannot succeed', async () => {
    const load = vi.fn(async (): Promise<string> => {
      throw new ApiError('not_found', 404, '', 0);
    });
    const { resource, scope } = setup(load);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(load).toHaveBeenCalledTimes(1);
    expect(resource.retryAt.value).toBe(0);
    scope.stop();
  });

  it('gathers refreshes and asks for the latest position', async () => {
    const asked: (string | undefined)[] = [];
    const { resource, scope } = setup(async (_, ask) => {
      asked.push(ask.min);
      return 'x';
    }, 1000);
    await settle();
    for (const p of ['1', '2', '3']) resource.refresh(p);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toEqual([undefined, '3']);
    scope.stop();
  });

  it('is not starved by a steady flow of refreshes while reads are slow', async () => {
    let finished = 0;
    const { resource, scope } = setup(
      () =>
        new Promise((resolve) =>
          setTimeout(() => {
            finished++;
            resolve('x');
          }, 900),
        ),
      300,
    );
    for (let i = 0; i < 100; i++) {
      resource.refresh(String(i));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(finished).toBeGreaterThanOrEqual(9);
    scope.stop();
  });

  it('reads nothing once its scope has ended', async () => {
    const load = vi.fn(async (): Promise<string> => {
      throw busy();
    });
    const { scope } = setup(load);
    await settle();
    scope.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(load).toHaveBeenCalledTimes(1);
  });
});
