import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const sent: Record<string, string>[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    sent.push(init.headers as Record<string, string>);
    return new Response('{}');
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('what the page asks while nobody touches it says so, and no longer once somebody does', async () => {
  const { get } = await import('@/core/api');
  const asks = async () => {
    await get('/api/figures', {});
    return sent.at(-1)?.['x-unattended'];
  };
  expect(await asks()).toBeUndefined(); // somebody has opened it
  for (let minute = 0; minute < 30; minute++) vi.advanceTimersByTime(60_000);
  expect(await asks()).toBe('1');
  for (const deed of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart']) {
    window.dispatchEvent(new Event(deed));
    expect(await asks()).toBeUndefined();
    vi.advanceTimersByTime(60_000);
    expect(await asks()).toBeUndefined(); // the next poll after a deed tells the server of it
    vi.advanceTimersByTime(60_000);
    expect(await asks()).toBe('1');
  }
});
