import { describe, expect, it } from 'vitest';
import type { LonLat } from '@/core/model';
import { clickMeans, crosses, NEAR, outline } from '@/map/draw';

describe('edges that are drawn', () => {
  const square: LonLat[] = [
    [0, 0],
    [4, 0],
    [4, 4],
    [0, 4],
  ];
  const cases: [string, LonLat[], boolean, boolean][] = [
    ['a square', square, true, false],
    ['a square with a corner in a side', [[0, 0], [2, 0], ...square.slice(1)], true, false],
    ['no corner', [], false, false],
    ['one corner, closed', [[0, 0]], true, false],
    [
      'a bow tie',
      [
        [0, 0],
        [4, 4],
        [4, 0],
        [0, 4],
      ],
      true,
      true,
    ],
    [
      'a bow tie that is not closed yet',
      [
        [0, 0],
        [4, 4],
        [4, 0],
        [0, 4],
      ],
      false,
      true,
    ],
    [
      'what only closing would cross',
      [
        [0, 0],
        [4, 0],
        [4, 4],
        [2, -2],
      ],
      false,
      true,
    ],
    [
      'a way that may still be closed',
      [
        [0, 0],
        [4, 0],
        [4, 4],
        [5, 6],
      ],
      false,
      false,
    ],
    [
      'the edge home crosses',
      [
        [0, 0],
        [4, 0],
        [4, 4],
        [2, 1],
        [6, 2],
      ],
      true,
      true,
    ],
    [
      'back over itself',
      [
        [0, 0],
        [4, 0],
        [2, 0],
      ],
      false,
      true,
    ],
    [
      'home over itself',
      [
        [0, 0],
        [4, 0],
        [8, 0],
      ],
      true,
      true,
    ],
    [
      'a corner on another edge',
      [
        [0, 0],
        [4, 0],
        [4, 4],
        [2, 0],
        [0, 4],
      ],
      true,
      true,
    ],
  ];
  it.each(cases)('%s', (_, corners, closed, bad) => expect(crosses(corners, closed)).toBe(bad));
});

describe('a click while drawing', () => {
  const screen: [number, number][] = [
    [100, 100],
    [200, 100],
    [200, 200],
  ];
  it.each([
    [100 + NEAR, 100, 'close'],
    [200, 200 - NEAR, 'again'],
    [150, 150, 'corner'],
  ])('at %d, %d means %s', (x, y, means) => expect(clickMeans(screen, x, y)).toBe(means));
  it('does not close what has no area yet', () => expect(clickMeans(screen.slice(0, 2), 100, 100)).toBe('corner'));
  it('draws a path that is closed only when it is done', () => {
    expect(outline(screen, true)).toBe('M100.0 100.0L200.0 100.0L200.0 200.0Z');
    expect(outline(screen, false)).not.toContain('Z');
    expect(outline([], true)).toBe('');
  });
});
