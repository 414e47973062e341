import { describe, expect, it } from 'vitest';
import { createFormat } from '@/core/format';
import { named, translator, word } from '@/core/i18n';
import en from '@/core/messages/en';
import zh from '@/core/messages/zh';

const f = createFormat('zh-CN', 'Asia/Shanghai', 10);

describe('numbers', () => {
  it('groups digits', () => expect(f.count(10_004_218)).toBe('10,004,218'));
  it('never tells a suppressed count', () => expect(f.count(null)).toBe('<10'));
  it('takes the threshold from the deployment', () => expect(createFormat('en', 'UTC', 5).count(null)).toBe('<5'));
  it('tells zero as zero', () => expect(f.count(0)).toBe('0'));
  it('shows a dash for what is not known', () => expect(f.count(undefined)).toBe('—'));
  it('does not divide by nothing', () => expect(f.percent(0, 0)).toBe('—'));
  it.each([
    [0, '10 米'],
    [994, '990 米'],
    [996, '1 公里'],
    [1240, '1.2 公里'],
  ])('tells a distance of %d m', (metres, said) => expect(f.distance(metres)).toBe(said));
  it('rounds to a tenth', () => expect(f.percent(1, 3)).toBe('33.3%'));
});

describe('times', () => {
  const time = '2026-11-23T16:05:09Z';
  it.each([
    ['Asia/Shanghai', '00:05:09', '11-24 00:05', '2026-11-24'],
    ['America/Vancouver', '08:05:09', '11-23 08:05', '2026-11-23'],
    ['Asia/Kathmandu', '21:50:09', '11-23 21:50', '2026-11-23'],
  ])('are shown in the deployment’s zone: %s', (zone, seconds, moment, day) => {
    const g = createFormat('zh-CN', zone, 10);
    expect([g.seconds(time), g.moment(time), g.day(time)]).toEqual([seconds, moment, day]);
  });
  it('shows the date once the day has passed in the zone', () => {
    expect(f.short(time, Date.parse('2026-11-24T15:59:00Z'))).toBe('00:05');
    expect(f.short(time, Date.parse('2026-11-24T16:01:00Z'))).toBe('11-24');
  });
  it.each([
    [-5, '0 秒'],
    [59_999, '59 秒'],
    [60_000, '1 分钟'],
    [3 * 3_600_000 + 5, '3 小时'],
    [50 * 3_600_000, '2 天'],
  ])('%d ms is %s', (ms, words) => expect(f.span(ms)).toBe(words));
});

describe('words', () => {
  it('fills placeholders and leaves unknown ones', () => {
    expect(translator('en')('load.retry', { n: 3 })).toBe('Next try in 3 s');
    expect(translator('en')('load.retry')).toBe('Next try in {n} s');
  });
  it('turns codes into words and shows a code that is new', () => {
    expect(word(translator('zh-CN'), 'status', 'close')).toBe('已结案');
    expect(word(translator('zh-CN'), 'status', 'teleport')).toBe('teleport');
  });
  it('falls back to the Chinese name', () => {
    expect(named('en', { name: '望江镇', nameEn: '' })).toBe('望江镇');
    expect(named('en', { name: '望江镇', nameEn: 'Wangjiang' })).toBe('Wangjiang');
  });
  it('uses the same placeholders in both languages', () => {
    const holes = (s: string) => [...s.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();
    for (const [key, text] of Object.entries(zh))
      expect([key, holes(en[key as keyof typeof en])]).toEqual([key, holes(text)]);
  });
});
