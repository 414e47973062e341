import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { computed, createApp, defineComponent, h, nextTick, provide } from 'vue';
import type { AreaCounts } from '@/core/model';
import { bindView } from '@/core/url';
import { createWords, WORDS } from '@/core/words';
import AreaPanel from '@/faces/command/AreaPanel.vue';
import { AREA, type AreaState, createArea } from '@/faces/command/area';
import { createSituation, SITUATION } from '@/faces/command/situation';

const DEPLOYMENT = {
  name: '云东市',
  nameEn: 'Yundong',
  zone: 'Asia/Shanghai',
  synthetic: true,
  version: '1',
  roots: ['441900000000'],
  home: '441900000000',
  bounds: null,
  access: 'loopback',
  threshold: 10,
  position: '100',
  asOf: '2026-11-24T01:00:00Z',
  statuses: [],
  channels: [],
};
const SCHOOLS = {
  code: 'schools',
  kind: 'site',
  name: '学校',
  nameEn: 'Schools',
  color: '#4cc9f0',
  shape: 'square',
  minZoom: 0,
  visible: true,
  filter: '',
  owner: null,
  source: null,
};
const counts = (more: Partial<AreaCounts> = {}): AreaCounts => ({
  position: '100',
  asOf: '2026-11-24T01:00:00Z',
  threshold: 10,
  areaKm2: 12.5,
  kinds: [
    { kind: 'person', count: 1230, rounded: true, open: null, overdue: null },
    { kind: 'site', count: 7, rounded: false, open: null, overdue: null },
    { kind: 'event', count: 5, rounded: false, open: 3, overdue: 1 },
  ],
  layers: [{ code: 'schools', count: 4 }],
  ...more,
});

let answer: () => Response;
let asked: { body: string }[];
let area: AreaState;
let app: ReturnType<typeof createApp>;
let root: HTMLElement;
const json = (value: unknown, status = 200) =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } });

beforeEach(() => {
  vi.stubGlobal(
    'EventSource',
    class {
      addEventListener() {}
      close() {}
    },
  );
  asked = [];
  answer = () => json(counts());
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    if (url === '/api/count') {
      asked.push({ body: String(init.body) });
      return answer();
    }
    if (url === '/api/deployment') return json(DEPLOYMENT);
    if (url === '/api/layers') return json({ groups: [{ name: '场所', nameEn: 'Sites', layers: [SCHOOLS] }] });
    return json({ code: 'not_found', detail: '' }, 404);
  });
});
afterEach(() => {
  app.unmount();
  root.remove();
  vi.unstubAllGlobals();
  history.replaceState(null, '', '/command');
});

async function open(query: string) {
  history.replaceState(null, '', `/command${query}`);
  const Host = defineComponent(() => {
    const words = createWords(
      computed(() => 'zh-CN' as const),
      () => 'Asia/Shanghai',
      () => 10,
    );
    provide(WORDS, words);
    const s = createSituation(bindView(), words);
    provide(SITUATION, s);
    area = createArea(s);
    provide(AREA, area);
    return () => h(AreaPanel);
  });
  root = document.body.appendChild(document.createElement('div'));
  app = createApp(Host);
  app.mount(root);
  await settled();
}
const settled = () => vi.waitFor(() => nextTick());
const TRIANGLE = '?area=113.00000,23.00000;113.10000,23.00000;113.10000,23.10000';

describe('an area that was sent', () => {
  it('is counted in, for the layers that are on, as a closed ring', async () => {
    await open(TRIANGLE);
    await vi.waitFor(() => expect(root.querySelector('[data-count=schools]')?.textContent).toBe('4'));
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      area: {
        type: 'Polygon',
        coordinates: [
          [
            [113, 23],
            [113.1, 23],
            [113.1, 23.1],
            [113, 23],
          ],
        ],
      },
      layers: ['schools'],
    });
    const tile = (key: string) => root.querySelector(`[data-count="${key}"]`)?.textContent;
    expect([tile('figures.person'), tile('figures.site'), tile('figures.open'), tile('figures.overdue')]).toEqual([
      '约 1,230',
      '7',
      '3',
      '1',
    ]);
    expect(root.textContent).toContain('12.5 平方公里');
  });
  it('tells no number that may not be told, and says when there is nothing', async () => {
    const none = { count: 0, rounded: false, open: null, overdue: null };
    answer = () =>
      json(
        counts({
          kinds: [
            { kind: 'person', count: null, rounded: true, open: null, overdue: null },
            { ...none, kind: 'site' },
            { ...none, kind: 'event', open: 0, overdue: 0 },
          ],
        }),
      );
    await open(TRIANGLE);
    await vi.waitFor(() => expect(root.textContent).toContain('范围内什么也没有'));
    expect(root.querySelector('[data-count="figures.person"]')?.textContent).toBe('<10');
  });
  it('says what to do when it is refused', async () => {
    answer = () => json({ code: 'invalid', detail: 'body.area: crosses' }, 422);
    await open(TRIANGLE);
    await vi.waitFor(() => expect(root.querySelector('[role=alert]')?.textContent).toContain('请重画'));
  });
});

describe('drawing', () => {
  it('ends only with an area, and puts it into the address', async () => {
    await open('');
    area.begin();
    await nextTick();
    expect(root.textContent).toContain('点出范围的各个角');
    area.add([113, 23]);
    area.add([113.1, 23]);
    expect(area.finish()).toBe(false);
    area.add([113.1, 23.1]);
    area.add([113.05, 22.9]);
    await nextTick();
    expect(root.textContent).toContain('边线相交');
    expect(area.finish()).toBe(false);
    area.undo();
    expect(area.finish()).toBe(true);
    expect(location.search).toBe(TRIANGLE);
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    area.clear();
    expect(location.search).toBe('');
    expect(area.shown.value).toBe(false);
  });
  it('is given up without a trace', async () => {
    await open(TRIANGLE);
    area.begin();
    area.add([1, 1]);
    area.cancel();
    expect(area.corners.value).toHaveLength(3);
    expect(location.search).toBe(TRIANGLE);
  });
});
