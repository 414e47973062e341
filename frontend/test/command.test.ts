import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { computed, createApp, defineComponent, h, nextTick, provide } from 'vue';
import type { Change, EventSummary, Figures } from '@/core/model';
import { bindView } from '@/core/url';
import { createWords, WORDS } from '@/core/words';
import EventsPanel from '@/faces/command/EventsPanel.vue';
import FiguresPanel from '@/faces/command/FiguresPanel.vue';
import LayerTree from '@/faces/command/LayerTree.vue';
import { rank } from '@/faces/command/metric';
import { createPresence, PRESENCE } from '@/faces/command/presence';
import { createReplay, REPLAY } from '@/faces/command/replay';
import SourcesPanel from '@/faces/command/SourcesPanel.vue';
import { createSituation, SITUATION } from '@/faces/command/situation';

const CITY = '441900000000';
const place = (code: string, level: number, name: string) => ({
  code,
  level,
  name,
  nameEn: `${name}-en`,
  label: [113.7, 23],
  bounds: [113, 22, 114, 24],
});
const event = (id: number, more: Partial<EventSummary> = {}): EventSummary => ({
  id,
  title: `积水${id}`,
  category: 'flood',
  item: 'FL01',
  level: 3,
  status: 'report',
  channel: 'patrol',
  reportedAt: new Date(Date.parse('2026-11-24T01:00:00Z') + id * 1000).toISOString(),
  dueAt: null,
  closedAt: null,
  overdue: false,
  lon: 113.7,
  lat: 23,
  place: place('441900122001', 3, '江湾社区'),
  placePath: '望江镇 › 江湾社区',
  placePathEn: 'Wangjiang › Jiangwan',
  version: 1,
  ...more,
});
const figures = (): Figures => ({
  code: CITY,
  position: '100',
  asOf: '2026-11-24T01:00:00Z',
  threshold: 10,
  reach: true,
  totals: { person: null, site: 12_345, event: 3 },
  layers: [
    { code: 'elders', count: null },
    { code: 'schools', count: 321 },
  ],
  classes: [],
  events: { today: 3, open: 2, overdue: 1, closed30d: 4, closedInTime30d: 3 },
  hours: [],
  days: [],
  children: [],
});
const layer = (code: string, name: string, visible: boolean) => ({
  code,
  kind: 'site',
  name,
  nameEn: `${name}-en`,
  color: '#fff',
  shape: 'square',
  minZoom: 0,
  visible,
  filter: "class = 'x'",
  owner: { name: '教育局', nameEn: 'Education' },
  source: null,
});

class FakeSource {
  static last: FakeSource | null = null;
  onerror: (() => void) | null = null;
  private readonly on = new Map<string, (e: { data: string }) => void>();
  constructor(readonly url: string) {
    FakeSource.last = this;
  }
  addEventListener(type: string, f: (e: { data: string }) => void) {
    this.on.set(type, f);
  }
  close() {}
  say(type: string, data: object) {
    this.on.get(type)?.({ data: JSON.stringify(data) });
  }
}

describe('command face', () => {
  let events: EventSummary[];
  let asked: { path: string; min: string | null }[];
  let unmount: () => void;
  let root: HTMLElement;

  beforeEach(async () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-24T01:00:30Z') });
    events = [event(2), event(1)];
    asked = [];
    FakeSource.last = null;
    vi.stubGlobal('EventSource', FakeSource);
    vi.stubGlobal('fetch', async (url: string, init: { headers: Record<string, string> }) => {
      const path = url.split('?')[0] ?? '';
      asked.push({ path, min: init.headers['x-min-position'] ?? null });
      const body = answers(path);
      return new Response(JSON.stringify(body), { status: body ? 200 : 404 });
    });
    history.replaceState(null, '', '/command');
    root = document.createElement('div');
    document.body.append(root);
    const app = createApp(
      defineComponent(() => {
        const state = bindView();
        const lang = computed(() => state.view.value.lang);
        const words = createWords(
          lang,
          () => 'Asia/Shanghai',
          () => 10,
        );
        provide(WORDS, words);
        const situation = createSituation(state, words);
        provide(SITUATION, situation);
        provide(REPLAY, createReplay(situation));
        provide(PRESENCE, createPresence(situation, words));
        return () => [h(FiguresPanel), h(EventsPanel), h(LayerTree), h(SourcesPanel)];
      }),
    );
    app.mount(root);
    unmount = () => app.unmount();
    await settle();
  });
  afterEach(() => {
    unmount();
    root.remove();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  function answers(path: string): object | null {
    switch (path) {
      case '/api/deployment':
        return {
          name: '云东市',
          nameEn: 'Yundong',
          zone: 'Asia/Shanghai',
          synthetic: true,
          version: 't',
          roots: [CITY],
          home: CITY,
          bounds: [113, 22, 114, 24],
          access: 'loopback',
          threshold: 10,
          position: '100',
          asOf: '2026-11-24T01:00:00Z',
          statuses: [],
          channels: [],
        };
      case `/api/places/${CITY}`:
        return { place: place(CITY, 1, '云东市'), path: [place(CITY, 1, '云东市')], children: [] };
      case `/api/places/${CITY}/figures`:
        return figures();
      case '/api/layers':
        return {
          groups: [
            {
              name: '场所',
              nameEn: 'Sites',
              layers: [layer('elders', '独居老人', false), layer('schools', '学校', true)],
            },
          ],
        };
      case '/api/classes':
        return {
          classes: [
            { kind: 'event', code: 'flood', name: '积水', nameEn: 'Flooding', group: '', color: '#0ff', shape: 'drop' },
          ],
          items: [
            {
              code: 'FL01',
              category: 'flood',
              name: '道路积水',
              nameEn: 'Flooded road',
              level: 3,
              deadlineHours: 4,
              department: null,
            },
          ],
        };
      case '/api/sources':
        return {
          sources: [
            {
              code: 'a',
              name: '水务',
              nameEn: 'Water',
              department: null,
              kind: 'event',
              cadenceSeconds: 3600,
              lastAt: '2026-11-23T22:00:30Z',
              late: true,
              synthetic: true,
            },
            {
              code: 'b',
              name: '教育',
              nameEn: 'Schools',
              department: null,
              kind: 'site',
              cadenceSeconds: null,
              lastAt: null,
              late: false,
              synthetic: true,
            },
          ],
        };
      case '/api/me':
        return { name: 'guest', rights: ['look'] };
      case '/api/events':
        return { events, next: null, position: '100', asOf: '2026-11-24T01:00:00Z' };
      default:
        return null;
    }
  }

  async function settle(ms = 50) {
    await vi.advanceTimersByTimeAsync(ms);
    await nextTick();
  }
  const text = () => root.textContent ?? '';
  const change = (position: string, id: number): Change => ({
    position,
    at: '2026-11-24T01:00:31Z',
    kind: 'event',
    op: 'put',
    id,
    lon: 113.7,
    lat: 23,
    bounds: null,
    place: '441900122001',
    category: 'flood',
    status: 'report',
    level: 1,
    layers: [],
    count: null,
  });

  it('tells a suppressed count as below the threshold, with the reason', () => {
    const dd = root.querySelector('dd');
    expect(dd?.textContent).toContain('<10');
    expect(text()).toContain('少于 10 人不显示具体数字');
    expect(text()).toContain('12,345');
    expect(root.querySelector('[data-layer="elders"]')?.textContent).toContain('<10');
  });

  it('puts an event told by the stream on top of the list by itself, from a state that includes it', async () => {
    events = [event(3, { title: '新积水', level: 1 }), ...events];
    FakeSource.last?.say('change', change('101', 3));
    await settle(2000);
    const first = root.querySelector('[data-event]');
    expect(first?.getAttribute('data-event')).toBe('3');
    expect(first?.textContent).toContain('特急');
    expect(asked.filter((a) => a.path === '/api/events').at(-1)?.min).toBe('101');
    expect(root.querySelector('.events [role=status]')?.textContent).toContain('新积水');
  });

  it('says since when it has heard nothing, and dims the figures', async () => {
    FakeSource.last?.say('position', { position: '101', asOf: '2026-11-24T01:00:30Z' });
    await settle();
    expect(root.querySelector('dl.old')).toBeNull();
    FakeSource.last?.onerror?.();
    await settle(2000);
    expect(root.querySelector('dl.old')).not.toBeNull();
    expect(text()).toContain('前');
  });

  it('keeps the layers that are on in the address', async () => {
    const toggle = (code: string) => root.querySelector<HTMLButtonElement>(`[data-layer="${code}"]`);
    expect(toggle('schools')?.getAttribute('aria-checked')).toBe('true');
    toggle('elders')?.click();
    await settle();
    expect(location.search).toBe('?layers=schools,elders');
    toggle('schools')?.click();
    await settle();
    expect(location.search).toBe('?layers=elders');
    toggle('elders')?.click();
    await settle();
    expect(location.search).toBe('?layers=');
    expect(toggle('schools')?.getAttribute('aria-checked')).toBe('false');
  });

  it('asks where workers are for nobody without the right to handle, whatever the address says', async () => {
    history.replaceState(null, '', '/command?people=on');
    dispatchEvent(new PopStateEvent('popstate'));
    await settle();
    expect(asked.some((a) => a.path === '/api/me')).toBe(true);
    expect(asked.some((a) => a.path === '/api/presence')).toBe(false);
    expect(root.querySelector('[data-people]')).toBeNull();
  });

  it('tells late and missing sources in words with their age', () => {
    const sources = [...root.querySelectorAll('.list li')].map((li) => li.textContent);
    expect(sources[0]).toContain('迟到');
    expect(sources[0]).toContain('3 小时前');
    expect(sources[1]).toContain('未到');
  });

  it('reads an event in English by its item', async () => {
    history.replaceState(null, '', '/command?lang=en');
    dispatchEvent(new PopStateEvent('popstate'));
    await settle();
    expect(root.querySelector('[data-event]')?.textContent).toContain('Flooded road');
    expect(text()).toContain('Key sites');
    expect(text()).not.toContain('重点场所');
  });
});

describe('ranking', () => {
  const children = ['a', 'b', 'c'].map((code) => ({ ...place(code, 2, code), areaKm2: 2 }));
  const row = (code: string, person: number | null, open: number) => ({
    code,
    reach: true,
    person,
    site: 0,
    event: 0,
    today: 0,
    open,
    overdue: 0,
  });
  const rows = [row('a', 100, 1), row('b', null, 9), row('c', 300, 1)];
  it('ranks density by people per km², those not told last', () => {
    const r = rank(children, rows, 'density', true);
    expect(r.map((x) => [x.place.code, x.figure])).toEqual([
      ['c', 150],
      ['a', 50],
      ['b', null],
    ]);
  });
  it('ranks by events, equal ones by code', () => {
    expect(rank(children, rows, 'open', true).map((x) => x.place.code)).toEqual(['b', 'a', 'c']);
  });
  it('tells no number of a place beyond the reader’s reach', () => {
    const beyond = { ...row('c', 0, 0), reach: false };
    expect(rank(children, [row('a', 100, 0), beyond], 'open', true)).toEqual([
      { place: children[0], figure: 0 },
      { place: children[1], figure: null, beyond: true },
      { place: children[2], figure: null, beyond: true },
    ]);
  });
  it('counts people where areas are not known', () => {
    expect(rank(children, rows, 'density', false)[0]?.figure).toBe(300);
  });
});
