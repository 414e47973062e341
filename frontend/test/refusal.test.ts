import { describe, expect, test } from 'vitest';
import { ApiError } from '@/core/api';
import { translator } from '@/core/i18n';
import { refusal } from '@/core/refusal';

const zh = translator('zh-CN');
const en = translator('en');
const error = (code: string, status: number, message: string, field = '') =>
  new ApiError(code, status, message, 0, field);

describe('a refusal is said in the language of the page', () => {
  for (const code of [
    'invalid',
    'not_found',
    'unauthenticated',
    'forbidden',
    'conflict',
    'unavailable',
    'too_many',
    'too_large',
    'internal',
  ]) {
    test(code, () => {
      expect(refusal(zh, 'zh-CN', error(code, 400, 'an English sentence'))).not.toMatch(/[A-Za-z]{3}/);
      expect(refusal(en, 'en', error(code, 400, 'an English sentence'))).toBe('An English sentence');
      expect(refusal(en, 'en', error(code, 400, ''))).toMatch(/^[A-Z]/);
    });
  }
  test('the field that is meant', () => {
    expect(refusal(zh, 'zh-CN', error('invalid', 422, 'has 1 to 500 characters', 'reason'))).toContain('理由');
    expect(refusal(zh, 'zh-CN', error('invalid', 422, 'x', 'unheard'))).not.toContain('unheard');
  });
  test('no answer at all, and one of no server of ours', () => {
    expect(refusal(zh, 'zh-CN', error('network', 0, ''))).toBe(zh('error.network'));
    expect(refusal(en, 'en', error('network', 0, ''))).toBe(en('error.network'));
    expect(refusal(zh, 'zh-CN', new Error('x'))).toBe(zh('error.network'));
    expect(refusal(zh, 'zh-CN', error('502', 502, ''))).toBe(zh('error.unavailable'));
    expect(refusal(en, 'en', error('page', 0, 'TypeError: x'))).toBe(en('error.server', { code: 'page' }));
  });
});
