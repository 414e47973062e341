import type { Lang } from './i18n';

const DAY = 86_400_000;

/** What the zone's clock shows at a time, read as if it were UTC. */
function clock(time: number, zone: string): number {
  const at: Record<string, string> = {};
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  for (const p of parts.formatToParts(time)) at[p.type] = p.value;
  return Date.parse(`${at.year}-${at.month}-${at.day}T${at.hour}:${at.minute}:${at.second}Z`);
}

/** The time at which a zone's clock shows what was typed (2026-01-31T08:00), as the server takes it. */
export function zoned(typed: string, zone: string): string {
  const wanted = Date.parse(`${typed}Z`);
  // Twice, because the offset may be another one at the time that is looked for.
  let time = wanted - (clock(wanted, zone) - wanted);
  time = wanted - (clock(time, zone) - time);
  return new Date(time).toISOString();
}

/** A time as the desk's tables tell it, in a zone. */
export const timeIn = (lang: Lang, zone: string) =>
  new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone });

/** The end of a day (2026-01-31) in a zone, which is the start of the next. */
export function endOfDay(day: string, zone: string): string {
  const next = new Date(Date.parse(`${day}T00:00:00Z`) + DAY).toISOString().slice(0, 16);
  return zoned(next, zone);
}
