import { describe, expect, test } from 'vitest';
import { endOfDay, zoned } from '@/core/zone';

describe("what is typed is meant in the deployment's zone", () => {
  for (const [typed, zone, time] of [
    ['2026-01-31T08:00', 'Asia/Shanghai', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T08:00', 'UTC', '2026-01-31T08:00:00.000Z'],
    ['2026-03-29T04:00', 'Europe/Berlin', '2026-03-29T02:00:00.000Z'],
    ['2026-03-29T01:30', 'Europe/Berlin', '2026-03-29T00:30:00.000Z'],
    ['2026-10-25T12:00', 'Europe/Berlin', '2026-10-25T11:00:00.000Z'],
    ['2026-01-01T00:00', 'America/Sao_Paulo', '2026-01-01T03:00:00.000Z'],
  ] as const) {
    test(`${typed} ${zone}`, () => expect(zoned(typed, zone)).toBe(time));
  }
  test('the end of a day', () => {
    expect(endOfDay('2026-12-31', 'Asia/Shanghai')).toBe('2026-12-31T16:00:00.000Z');
    expect(endOfDay('2026-02-28', 'UTC')).toBe('2026-03-01T00:00:00.000Z');
  });
});
