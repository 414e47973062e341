import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp, h, nextTick, provide, ref, shallowRef } from 'vue';
import { translator } from '@/core/i18n';
import type { Alert, AlertInfo } from '@/core/model';
import { createWords, WORDS } from '@/core/words';
import AlertsBar from '@/faces/command/AlertsBar.vue';
import { alertShapes, boundsOf, partsFor, titleOf } from '@/faces/command/alerts';
import { SITUATION, type Situation } from '@/faces/command/situation';
import { SEVERITIES, SEVERITY_COLORS, SEVERITY_SHAPES } from '@/map/alerts';

const info = (language: string, more: Partial<AlertInfo> = {}): AlertInfo => ({
  language,
  event: language.startsWith('zh') ? '暴雨' : 'Rainstorm',
  responses: ['Shelter'],
  urgency: 'Immediate',
  severity: 'Severe',
  certainty: 'Likely',
  onset: null,
  expires: null,
  senderName: '',
  headline: '',
  description: '',
  instruction: '',
  web: '',
  contact: '',
  ...more,
});
const square = (lon: number, lat: number) => [
  [
    [
      [lon, lat],
      [lon + 1, lat],
      [lon + 1, lat + 1],
      [lon, lat],
    ],
  ],
];
const alert = (id: number, more: Partial<Alert> = {}): Alert => ({
  id,
  sender: 'met@town.example',
  identifier: `A-${id}`,
  sent: '2026-05-04T00:00:00Z',
  status: 'Actual',
  type: 'Alert',
  severity: 'Severe',
  beginsAt: '2026-05-04T00:00:00Z',
  endsAt: '2026-05-04T06:00:00Z',
  endedAt: null,
  holds: true,
  signed: false,
  infos: [info('zh-CN'), info('en')],
  areas: [
    { info: 0, description: '望江镇', shape: { type: 'MultiPolygon', coordinates: square(113, 22) }, points: [] },
    { info: 1, description: 'Wangjiang', shape: null, points: [[115, 24]] },
  ],
  places: [],
  placeCount: 0,
  ...more,
});

describe('parts of an alert', () => {
  it.each([
    ['the own language', ['zh-CN', 'en'], 'zh-CN', [0]],
    ['English', ['zh-CN', 'en-US'], 'en', [1]],
    ['any kind of the language', ['en', 'zh'], 'zh-CN', [1]],
    ['several stages', ['zh-CN', 'zh-CN', 'en'], 'zh-CN', [0, 1]],
    ['the first language where none is the own', ['pt', 'pt', 'fr'], 'en', [0, 1]],
    ['no part at all', [], 'en', []],
  ] as const)('%s', (_, languages, lang, want) => {
    const a = alert(1, { infos: languages.map((l) => info(l)) });
    expect(partsFor(a, lang).map((p) => p.n)).toEqual(want);
  });
  it('is called by headline, event or identifier', () => {
    expect(titleOf(alert(1), 'zh-CN')).toBe('暴雨');
    expect(titleOf(alert(1, { infos: [info('en', { headline: 'Red' })] }), 'zh-CN')).toBe('Red');
    expect(titleOf(alert(7, { infos: [] }), 'en')).toBe('A-7');
  });
  it('shows the areas of the parts that are read', () => {
    const [zh] = alertShapes([alert(1)], 'zh-CN', translator('zh-CN'));
    expect(zh).toMatchObject({ label: '重大 · 暴雨', polygons: square(113, 22), points: [], exercise: false });
    const [en] = alertShapes([alert(1, { status: 'Exercise' })], 'en', translator('en'));
    expect(en).toMatchObject({
      label: 'Exercise · Severe · Rainstorm',
      polygons: [],
      points: [[115, 24]],
      exercise: true,
    });
  });
  it('bounds all areas, or none', () => {
    expect(boundsOf(alert(1))).toEqual([113, 22, 115, 24]);
    expect(boundsOf(alert(1, { areas: [] }))).toBeNull();
  });
});

describe('severity', () => {
  it('is told apart by colour, by shape and in both languages', () => {
    const distinct = (list: readonly string[]) => expect(new Set(list).size).toBe(SEVERITIES.length);
    distinct(SEVERITIES.map((s) => SEVERITY_SHAPES[s]));
    for (const theme of ['dark', 'light'] as const) distinct(SEVERITIES.map((s) => SEVERITY_COLORS[theme][s]));
    for (const lang of ['zh-CN', 'en'] as const)
      distinct(SEVERITIES.map((s) => translator(lang)(`alert.severity.${s}`)));
  });
});

describe('the bar', () => {
  let close: (() => void) | undefined;
  const open = vi.fn();
  beforeEach(() => {
    document.body.innerHTML = '<div id="app"></div>';
    open.mockReset();
  });
  afterEach(() => close?.());

  async function show(first: Alert[]) {
    const alerts = shallowRef(first);
    const app = createApp({
      setup() {
        const words = createWords(
          ref('zh-CN'),
          () => 'Asia/Shanghai',
          () => 10,
        );
        provide(WORDS, words);
        provide(SITUATION, {
          now: ref(Date.parse('2026-05-04T01:00:00Z')),
          view: ref({ card: null }),
          open,
        } as unknown as Situation);
        return () => h(AlertsBar, { alerts: alerts.value });
      },
    });
    app.mount('#app');
    close = () => app.unmount();
    await nextTick();
    return alerts;
  }

  it('shows the gravest, says until when, and opens the others', async () => {
    await show([alert(1), alert(2, { severity: 'Minor', status: 'Exercise' }), alert(3)]);
    expect(document.querySelectorAll('[data-alert]')).toHaveLength(1);
    expect(document.querySelector('[data-alert="1"]')?.textContent).toContain('至 14:00');
    const more = document.querySelector<HTMLButtonElement>('.more');
    expect(more?.textContent).toContain('还有 2 条');
    more?.click();
    await nextTick();
    expect(document.querySelectorAll('[data-alert]')).toHaveLength(3);
    expect(document.querySelector('[data-alert="2"]')?.textContent).toContain('演习');
    document.querySelector<HTMLButtonElement>('[data-alert="3"]')?.click();
    expect(open).toHaveBeenCalledWith('alert', 3);
  });

  it('tells screen readers of a new one only', async () => {
    const alerts = await show([alert(1)]);
    expect(document.querySelector('[role=status]')?.textContent).toBe('');
    alerts.value = [alert(1), alert(4, { infos: [info('zh', { headline: '台风预警' })] })];
    await nextTick();
    await nextTick();
    expect(document.querySelector('[role=status]')?.textContent).toBe('新预警：台风预警');
  });
});
