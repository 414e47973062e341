import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Change } from '@/core/model';
import { later, openStream, type Source } from '@/core/stream';

class Fake implements Source {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  private readonly listeners = new Map<string, (e: { data: string }) => void>();
  constructor(readonly url: string) {}
  addEventListener(type: string, listener: (e: { data: string }) => void) {
    this.listeners.set(type, listener);
  }
  close() {
    this.closed = true;
  }
  say(type: string, data: object) {
    this.listeners.get(type)?.({ data: JSON.stringify(data) });
  }
}

const change = (position: string, id: number, more: Partial<Change> = {}): Change => ({
  position,
  at: '2026-11-24T00:00:00Z',
  kind: 'event',
  op: 'put',
  id,
  lon: 113.7,
  lat: 23,
  bounds: null,
  place: null,
  layers: ['open'],
  count: null,
  ...more,
});

describe('positions', () => {
  it.each([
    ['10', '9', true],
    ['9', '10', false],
    ['9', '9', false],
    ['18446744073709551615', '18446744073709551614', true],
    ['9007199254740993', '9007199254740992', true], // equal as numbers
    ['0', '', true],
  ])('%s is later than %s: %s', (a, b, want) => expect(later(a, b)).toBe(want));
});

describe('stream', () => {
  let sources: Fake[];
  let seen: number[];
  let resets: number;
  beforeEach(() => {
    vi.useFakeTimers();
    sources = [];
    seen = [];
    resets = 0;
  });
  afterEach(() => vi.useRealTimers());

  const open = (after = '100') =>
    openStream({
      after,
      onChange: (c) => seen.push(c.id ?? -1),
      onReset: () => {
        resets++;
      },
      open: (url) => {
        const source = new Fake(url);
        sources.push(source);
        return source;
      },
    });
  const at = (i: number) => {
    const source = sources[i];
    if (!source) throw new Error(`no connection ${i}`);
    return source;
  };
  const breakOff = (i: number) => {
    at(i).onerror?.();
    vi.advanceTimersByTime(10_000);
  };

  it('starts after the position of the page and becomes live with the first word', () => {
    const s = open('100');
    expect(at(0).url).toBe('/api/stream?after=100');
    expect(s.state.value).toBe('connecting');
    at(0).say('position', { position: '101', asOf: '2026-11-24T00:00:01Z' });
    expect(s.state.value).toBe('live');
    expect(s.asOf.value).toBe('2026-11-24T00:00:01Z');
    s.close();
  });

  it('resumes after the last complete position, so that a position cut in two is neither lost nor doubled', () => {
    const s = open();
    at(0).say('change', change('101', 1));
    at(0).say('change', change('102', 2)); // 101 is complete now, 102 may have more
    breakOff(0);
    expect(at(1).url).toBe('/api/stream?after=101');
    at(1).say('change', change('102', 2)); // told again
    at(1).say('change', change('102', 3)); // the rest of 102
    at(1).say('change', change('103', 4));
    expect(seen).toEqual([1, 2, 3, 4]);
    s.close();
  });

  it('takes a position event as the end of all positions up to it', () => {
    const s = open();
    at(0).say('change', change('105', 1));
    at(0).say('position', { position: '107', asOf: '2026-11-24T00:00:01Z' });
    expect(s.complete()).toBe('107');
    at(0).say('change', change('106', 9)); // cannot be: 106 was complete
    expect(seen).toEqual([1]);
    s.close();
  });

  it('tells two changes of one feature in one position apart by what they did', () => {
    const s = open();
    at(0).say('change', change('101', 1));
    at(0).say('change', change('101', 1, { op: 'delete' }));
    at(0).say('change', change('101', 1));
    expect(seen).toEqual([1, 1]);
    s.close();
  });

  it('says lost when it was live, keeps trying, and is live again', () => {
    const s = open();
    at(0).say('position', { position: '101', asOf: '2026-11-24T00:00:01Z' });
    at(0).onerror?.();
    expect(s.state.value).toBe('lost');
    expect(at(0).closed).toBe(true);
    vi.advanceTimersByTime(1000);
    at(1).onerror?.();
    expect(s.state.value).toBe('lost');
    vi.advanceTimersByTime(2000);
    at(2).say('position', { position: '102', asOf: '2026-11-24T00:00:09Z' });
    expect(s.state.value).toBe('live');
    s.close();
  });

  it('takes silence for a loss, for a dead connection does not always say so', () => {
    const s = open();
    at(0).say('position', { position: '101', asOf: '2026-11-24T00:00:01Z' });
    vi.advanceTimersByTime(14_000);
    expect(s.state.value).toBe('live');
    vi.advanceTimersByTime(3000);
    expect(s.state.value).toBe('lost');
    expect(at(0).closed).toBe(true);
    s.close();
  });

  it('ignores what a connection given up still says', () => {
    const s = open();
    at(0).say('position', { position: '101', asOf: '2026-11-24T00:00:01Z' });
    breakOff(0);
    at(0).say('change', change('102', 7));
    expect(seen).toEqual([]);
    s.close();
  });

  it('loads everything again on reset and goes on from there', () => {
    const s = open();
    at(0).say('reset', { position: '900' });
    expect(resets).toBe(1);
    breakOff(0);
    expect(at(1).url).toBe('/api/stream?after=900');
    s.close();
  });

  it('opens nothing once closed', () => {
    const s = open();
    at(0).onerror?.();
    s.close();
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
  });
});
