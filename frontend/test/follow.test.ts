import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp, nextTick } from 'vue';
import FollowFace from '@/faces/follow/FollowFace.vue';

const following = (more: object = {}) => ({
  number: 17,
  itemName: '火情',
  itemNameEn: 'Fire',
  department: { name: '消防', nameEn: 'Fire brigade' },
  status: 'handle',
  reportedAt: '2026-05-04T00:00:00Z',
  dueAt: '2026-05-05T00:00:00Z',
  closedAt: null,
  steps: [
    { step: 'report', at: '2026-05-04T00:00:00Z' },
    { step: 'handle', at: '2026-05-04T01:00:00Z' },
  ],
  ratable: false,
  rating: null,
  ...more,
});

describe('following a report', () => {
  let close: () => void;
  let asked: { url: string; body: unknown }[];
  let answers: { status: number; body: object }[];
  beforeEach(() => {
    asked = [];
    answers = [];
    document.body.innerHTML = '<div id="app"></div>';
    vi.stubGlobal(
      'fetch',
      vi.fn(async (url: string, init: RequestInit) => {
        asked.push({ url: String(url), body: JSON.parse(String(init.body)) });
        const next = answers.shift() ?? { status: 500, body: {} };
        return new Response(JSON.stringify(next.body), { status: next.status });
      }),
    );
    const app = createApp(FollowFace);
    app.mount('#app');
    close = () => app.unmount();
  });
  afterEach(() => {
    close();
    vi.unstubAllGlobals();
  });
  const type = (i: number, text: string) => {
    const input = document.querySelectorAll<HTMLInputElement>('form input')[i];
    if (!input) throw new Error('no such field');
    input.value = text;
    input.dispatchEvent(new Event('input'));
  };
  /** Sends a form and waits until the page says something. */
  const send = async (form: string, says: string) => {
    document.querySelector(form)?.dispatchEvent(new Event('submit', { cancelable: true }));
    await vi.waitFor(() => expect(text()).toContain(says));
  };
  const text = () => document.body.textContent ?? '';

  it('shows the steps in plain words; number and code are in the body alone', async () => {
    type(0, ' 17 ');
    type(1, 'ABCDE-FGHJK');
    answers.push({ status: 200, body: following() });
    await send('form', '正在办理');
    expect(asked).toEqual([{ url: '/api/follow', body: { number: 17, code: 'ABCDE-FGHJK' } }]);
    expect(text()).toContain('负责单位：消防');
    expect(document.querySelectorAll('li')).toHaveLength(2);
    expect(location.href).not.toContain('ABCDE');
    expect(document.querySelector('.rate')).toBeNull();
  });

  it('takes a rating when it is closed, once', async () => {
    type(0, '17');
    type(1, 'ABCDE-FGHJK');
    answers.push({ status: 200, body: following({ status: 'close', ratable: true }) });
    await send('form', '您对办理结果满意吗');
    document.querySelectorAll<HTMLInputElement>('.stars input')[3]?.click();
    await nextTick();
    answers.push({ status: 200, body: { status: 'ok' } });
    answers.push({
      status: 200,
      body: following({ status: 'close', rating: { stars: 4, words: '', at: '2026-05-06T00:00:00Z' } }),
    });
    await send('.rate', '您的评价：4 分，满意');
    expect(asked[1]).toEqual({
      url: '/api/follow/rating',
      body: { number: 17, code: 'ABCDE-FGHJK', stars: 4, words: '' },
    });
    expect(document.querySelector('.rate')).toBeNull();
  });

  it.each([
    [404, '没有找到'],
    [422, '没有找到'],
    [429, '一小时后再试'],
    [503, '暂时不可用'],
  ])('says what to do after %i', async (status, words) => {
    type(0, '17');
    type(1, 'x');
    answers.push({ status, body: { code: 'x', detail: 'secret' } });
    await send('form', words);
    expect(document.querySelector('[role=alert]')?.textContent).toContain(words);
    expect(text()).not.toContain('secret');
  });

  it('speaks English', async () => {
    document.querySelector<HTMLButtonElement>('.lang')?.click();
    await nextTick();
    expect(text()).toContain('Follow your report');
    expect(document.documentElement.lang).toBe('en');
  });
});
