import type { Words } from '@/core/words';

/** The clock of a task in words, with the tone that its colour repeats. */
export function clockOf(dueAt: string | null, suspended: boolean, now: number, words: Words) {
  const { t } = words;
  if (suspended) return { text: t('field.task.suspended'), tone: 'calm' as const };
  if (!dueAt) return { text: t('field.task.noDue'), tone: 'calm' as const };
  const left = Date.parse(dueAt) - now;
  const span = words.format.value.span(Math.abs(left));
  if (left < 0) return { text: `! ${t('field.task.overdue', { span })}`, tone: 'late' as const };
  return { text: t('field.task.left', { span }), tone: 'due' as const };
}

const SIZES = ['KB', 'MB', 'GB'] as const;

/** Bytes as people say them: 3.4 GB */
export function bytes(n: number, words: Words): string {
  let value = n / 1024;
  let unit = 0;
  while (value >= 1024 && unit < SIZES.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${words.format.value.decimal(value)} ${SIZES[unit]}`;
}
