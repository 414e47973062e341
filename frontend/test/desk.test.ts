import { describe, expect, test } from 'vitest';
import { address, left, type Person } from '@/faces/desk/records';

const person: Person = {
  id: 1,
  full: true,
  until: '2026-01-01T00:10:00Z',
  name: '',
  idNumber: '',
  phone: '',
  home: '',
  gender: '',
  age: null,
  placePath: '',
};

describe('the desk', () => {
  test('an address holds only what is given', () => {
    expect(address('/api/audit', { what: '', actor: 'a b', before: undefined, limit: 100 })).toBe(
      '/api/audit?actor=a+b&limit=100',
    );
    expect(address('/api/audit.csv', {})).toBe('/api/audit.csv');
  });
  test('what is shown in full ends with its time', () => {
    const at = Date.parse('2026-01-01T00:00:00Z');
    expect(left(person, at)).toBe(600_000);
    expect(left(person, at + 700_000)).toBe(0);
    expect(left({ ...person, full: false }, at)).toBe(0);
    expect(left({ ...person, until: null }, at)).toBe(0);
  });
});
