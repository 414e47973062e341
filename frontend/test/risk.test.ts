import { describe, expect, it } from 'vitest';
import { ref } from 'vue';
import { bandClass, bandWord, chance, events, formatRisk, parseRisk, type RiskHint } from '@/core/risk';
import { createWords } from '@/core/words';
import { hintWords } from '@/faces/field/look';

describe('risk in the address', () => {
  it.each(['.7', 'safety.7', 'safety.30.why', 'flood.7.proof'])('keeps %s', (text) => {
    const choice = parseRisk(text);
    expect(choice && formatRisk(choice)).toBe(text);
  });
  it.each([null, '', 'safety', 'safety.8', 'Safety.7', 'safety.7.person', 'a.7.why.x'])('refuses %s', (text) => {
    expect(parseRisk(text)).toBeNull();
  });
});

describe('risk in words', () => {
  it('has a word and a colour for every band, in order', () => {
    const bands = [...Array(11).keys()];
    expect(bands.map(bandWord)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4]);
    const classes = bands.map((b) => bandClass(b, 7));
    expect(classes[0]).toBe(0);
    expect(classes[10]).toBe(6);
    expect(classes).toEqual([...classes].sort((a, b) => a - b));
  });
  it('says numbers as they are worth it', () => {
    expect([0.034, 1.26, 68.4].map(events)).toEqual(['0.03', '1.3', '68']);
    expect([0.001, 0.7, 0].map(chance)).toEqual(['1/1000', '1/2', '<1/1000000']);
  });
});

describe('what to look at today, in words', () => {
  const hint: RiskHint = {
    place: { code: '990101001000001', level: 4, name: '一网格', nameEn: 'Grid 1', label: null, bounds: null },
    category: 'fire',
    expected: 1.26,
    low: 0,
    high: 4,
    band: 7,
    grade: 'A',
    rank: 3,
    of: 3000,
    lastWeek: 1.2,
    silent: 0,
    main: { code: 'own', channel: 'reported' },
    usual: 0.4,
    reported30d: 5,
    patrolled30d: 1,
    signal: null,
  };
  const say = (h: Partial<RiskHint>, lang: 'zh-CN' | 'en' = 'zh-CN') =>
    hintWords(
      { ...hint, ...h },
      createWords(
        ref(lang),
        () => 'Asia/Shanghai',
        () => 10,
      ),
    ).join('');

  it('compares with other places of the level and says why', () => {
    expect(say({})).toBe(
      '未来 7 天预计约 1.3 件，别的网格一般约 0.40 件。这里以前就多。近 30 天：群众和系统上报 5 件，巡查发现 1 件。',
    );
    expect(say({}, 'en')).toMatch(/^About 1.3 expected in the next 7 days; other grids have about 0.40\./);
  });
  it.each([
    ['less than one a week', { expected: 0.55, usual: 0.16 }, /^大约每 13 天有一件，别的网格一般每 44 天一件。/],
    ['patrols found most', { patrolled30d: 9 }, /走得多，发现就多/],
    ['little data', { grade: 'C' as const }, /只当提醒/],
    [
      'a rise',
      { signal: { kind: 'rise' as const, days: 14, observed: 6, expected: 1.2 } },
      /^最近 14 天有 6 件，平常约 1.2 件/,
    ],
    ['some places together', { signal: { kind: 'hot' as const, days: 28, observed: 9, expected: 2 } }, /^这一带几处/],
  ])('%s', (_, change, words) => {
    expect(say(change)).toMatch(words);
  });
  it('is sure of nothing that it is not asked', () => {
    expect(say({})).not.toMatch(/走得多|只当提醒|比平常多/);
    for (const code of ['surroundings', 'own', 'neighbours', 'lately', 'nearby', 'season', 'week']) {
      expect(say({ main: { code, channel: 'both' } })).not.toContain(code);
    }
  });
});
