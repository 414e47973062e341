import { ApiError } from './api';
import { type Lang, type MessageKey, type Translate, word } from './i18n';

/** Codes of the server's refusals that have words of their own here. */
const CODES: readonly string[] = [
  'invalid',
  'not_found',
  'unauthenticated',
  'forbidden',
  'conflict',
  'unavailable',
  'too_many',
  'too_large',
  'internal',
];

/**
 * Why something was refused, in the page's language. The server's own sentences are English: they are shown where the page
 * is, and elsewhere the words of their code, with the field that is meant.
 */
export function refusal(t: Translate, lang: Lang, cause: unknown): string {
  if (!(cause instanceof ApiError)) return t('error.network');
  if (cause.code === 'page') return t('error.server', { code: cause.code });
  if (lang === 'en' && cause.message && cause.code !== 'network') return sentence(cause.message);
  if (!CODES.includes(cause.code)) return t(cause.code === 'network' ? 'error.network' : 'error.unavailable');
  const words = t(`refusal.${cause.code}` as MessageKey);
  const field = cause.field ? word(t, 'refusalField', cause.field) : '';
  return field && field !== cause.field ? t('refusal.at', { words, field }) : words;
}

const sentence = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);
