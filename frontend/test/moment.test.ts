import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { effectScope, ref, shallowRef } from 'vue';
import type { LayerDef } from '@/core/model';
import { momentsOf, momentText, nearest, parseMoment, SPANS, spanOf } from '@/core/moment';
import { useReel } from '@/core/reel';
import { createMoments, momentTile } from '@/map/moment';

const now = Date.parse('2026-11-26T12:34:56Z');

describe('moments', () => {
  it.each(SPANS)('of a $name: few, at whole steps, so that others ask for the same', (span) => {
    const all = momentsOf(span, now);
    expect(all.length).toBeLessThanOrEqual(61);
    expect(all.every((m) => m % (span.step * 60_000) === 0)).toBe(true);
    expect(now - (all.at(-1) ?? 0)).toBeLessThan(span.step * 60_000);
    expect((all.at(-1) ?? 0) - (all[0] ?? 0)).toBe(span.minutes * 60_000);
    expect(momentsOf(span, now + 1000)).toEqual(all);
  });
  it('are found by time, in the shortest span that holds them', () => {
    const [day] = SPANS;
    const all = momentsOf(day, now);
    expect(all[nearest(all, (all[7] ?? 0) + 60_000)]).toBe(all[7]);
    expect(nearest(all, 0)).toBe(0);
    expect([1, 100, 500, 5000].map((h) => spanOf(now - h * 3_600_000, now).name)).toEqual([
      'day',
      'week',
      'month',
      'month',
    ]);
  });
  it('go into the address and come back', () => {
    const [first = 0] = momentsOf(SPANS[0], now);
    expect(momentText(first)).toBe('2026-11-25T12:30:00Z');
    expect(parseMoment(momentText(first))).toBe(first);
    for (const wrong of [null, '', 'now', '2026-11-25', '2026-11-25T12:30:00+08:00', '2026-13-25T12:30:00Z'])
      expect(parseMoment(wrong)).toBeNull();
  });
});

describe('the reel', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  it('waits until a picture is shown, stops at the end and begins again', () => {
    const at = ref(0);
    const shown = ref(false);
    const scope = effectScope();
    const move = (to: number) => {
      at.value = to;
    };
    const reel = scope.run(() =>
      useReel({ count: () => 3, at: () => at.value, move, shown: () => shown.value, stay: () => 500 }),
    );
    reel?.play();
    vi.advanceTimersByTime(10_000);
    expect(at.value).toBe(0);
    shown.value = true;
    vi.advanceTimersByTime(60);
    expect(at.value).toBe(1);
    vi.advanceTimersByTime(400);
    expect(at.value).toBe(1); // it stays for its time
    vi.advanceTimersByTime(5000);
    expect([at.value, reel?.playing.value]).toEqual([2, false]);
    reel?.play();
    expect([at.value, reel?.playing.value]).toEqual([0, true]);
    reel?.pause();
    vi.advanceTimersByTime(5000);
    expect(at.value).toBe(0);
    scope.stop();
  });
});

describe('tiles of a moment', () => {
  const layer = (code: string, kind: string) => ({ def: { code, kind } as LayerDef, opacity: 1 });
  const layers = [layer('events_open', 'event'), layer('sites', 'site')];
  const tile = (code: string) => `http://here/tiles/${code}/12/3/4.mvt`;
  it.each([
    [tile('events_open'), 'M', `${tile('events_open')}?at=M`],
    [tile('events_open'), '', tile('events_open')],
    [tile('sites'), 'M', null],
    [tile('places'), 'M', null],
    ['http://here/tiles/events_open.json', 'M', null],
  ])('%s at %s is %s', (url, moment, want) => expect(momentTile(url, moment, layers)).toBe(want));

  it('has one picture under way; of those wished for meanwhile only the last follows', async () => {
    const idle: (() => void)[] = [];
    const refreshed: string[] = [];
    const map = {
      getSource: () => ({}),
      refreshTiles: (id: string) => refreshed.push(`${id} ${new URL(moments.address(tile('events_open'))).search}`),
      triggerRepaint: () => undefined,
      once: (_: string, then: () => void) => idle.push(then),
    };
    vi.stubGlobal('fetch', async (url: string) => {
      ahead.value = [...ahead.value, new URL(url).search];
      return new Response('');
    });
    const ahead = shallowRef<string[]>([]);
    const drawn: string[] = [];
    const moments = createMoments(
      () => layers,
      (m) => drawn.push(m),
    );
    const settle = () => new Promise((r) => setTimeout(r));
    moments.begin(map as never);
    idle.shift()?.();
    moments.show('1', '2');
    moments.show('2', '3');
    moments.show('3', '4');
    expect(refreshed).toEqual(['layer/events_open ?at=1']); // sites have no past
    idle.shift()?.();
    await settle();
    expect(refreshed).toEqual(['layer/events_open ?at=1', 'layer/events_open ?at=3']);
    expect(ahead.value).toEqual([]); // what is passed over is not fetched ahead
    idle.shift()?.();
    await settle();
    expect(ahead.value).toEqual(['?at=4']);
    expect(drawn).toEqual(['', '3']);
    moments.show('', '');
    idle.shift()?.();
    await settle();
    expect(refreshed.at(-1)).toBe('layer/events_open ');
    vi.unstubAllGlobals();
  });
});
