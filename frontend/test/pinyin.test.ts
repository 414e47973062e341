import { describe, expect, test } from 'vitest';
import { means } from '@/core/pinyin';

const lid = { code: 'Sa-001', name: '井盖缺失', nameEn: 'Missing manhole cover', pinyin: 'jing gai|ge que|kui shi|yi' };
const again = { code: 'C-9', name: '重复占道', nameEn: '', pinyin: 'zhong|chong|tong fu zhan dao' };
const mast = { code: 'B-1', name: '5G基站', nameEn: '', pinyin: '5g ji zhan' };

describe('what is typed means an item', () => {
  const cases: [string, typeof lid, boolean][] = [
    ['', lid, true],
    ['井盖', lid, true],
    ['盖缺', lid, true],
    ['盖井', lid, false],
    ['MANHOLE', lid, true],
    ['sa-0', lid, true],
    ['jinggai', lid, true],
    ['jing gai que shi', lid, true],
    ['JG', lid, true],
    ['jgqs', lid, true],
    ['gqs', lid, true],
    ['jgaiq', lid, true],
    ['jinggaiqueshix', lid, false],
    ['jq', lid, false],
    ['inggai', lid, false],
    ["jing'gai", lid, true],
    ['chongfu', again, true],
    ['zhf', again, true],
    ['zf', again, true],
    ['cfzd', again, true],
    ['fuzh', again, true],
    ['5gjz', mast, true],
    ['js', mast, false],
    ['绿', mast, false],
    ['%', lid, false],
  ];
  for (const [typed, it, want] of cases)
    test(`${typed} · ${it.name}: ${want}`, () => expect(means(typed, it)).toBe(want));
});
