/** A stretch of the past that can be played again, and the step between its moments. */
export interface Span {
  name: 'day' | 'week' | 'month';
  minutes: number;
  step: number;
}

/** Steps are few and stand at whole half hours, so that whoever looks back asks for the same tiles. */
export const SPANS: readonly [Span, ...Span[]] = [
  { name: 'day', minutes: 24 * 60, step: 30 },
  { name: 'week', minutes: 7 * 24 * 60, step: 180 },
  { name: 'month', minutes: 30 * 24 * 60, step: 720 },
];

const MINUTE = 60_000;

/** The moments of a span up to now, in milliseconds since 1970, oldest first: 49 to 61. */
export function momentsOf(span: Span, now: number): number[] {
  const step = span.step * MINUTE;
  const last = Math.floor(now / step) * step;
  return Array.from({ length: span.minutes / span.step + 1 }, (_, i) => last - (span.minutes / span.step - i) * step);
}

/** The number of the moment that is nearest to a time. */
export function nearest(moments: readonly number[], time: number): number {
  let best = 0;
  moments.forEach((m, i) => {
    if (Math.abs(m - time) < Math.abs((moments[best] ?? 0) - time)) best = i;
  });
  return best;
}

/** The shortest span that holds a time, else the longest. */
export function spanOf(time: number, now: number): Span {
  return SPANS.find((s) => now - time <= s.minutes * MINUTE) ?? SPANS[SPANS.length - 1] ?? SPANS[0];
}

/** As addresses and the server take it: 2026-11-25T08:30:00Z */
export const momentText = (time: number) => `${new Date(time).toISOString().slice(0, 19)}Z`;

/** Reads momentText; null when it is none. */
export function parseMoment(text: string | null): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:00Z$/.test(text ?? '')) return null;
  const time = Date.parse(text ?? '');
  return Number.isFinite(time) && time > 0 ? time : null;
}
