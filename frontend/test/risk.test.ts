import { describe, expect, it } from 'vitest';
import { bandClass, bandWord, chance, events, formatRisk, parseRisk } from '@/core/risk';

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
