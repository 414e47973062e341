import type { Lang } from './i18n';
import type { Count } from './model';

/** Numbers and times as people read them, in one language and in the deployment's time zone. */
export interface Format {
  /** Grouped digits; null is a suppressed count: "<10". */
  count(n: Count | undefined): string;
  /** At most one decimal below 100. */
  decimal(n: number): string;
  /** In four characters or so: 999, 1.2K, 1.2万 */
  brief(n: number): string;
  percent(part: number, whole: number): string;
  /** 21:43 */
  clock(time: string): string;
  /** 21:43:05 */
  seconds(time: string): string;
  /** 11-23 21:43 */
  moment(time: string): string;
  /** 21:43 today, 11-23 this year, else 2023-11 */
  short(time: string, now: number): string;
  /** Calendar day in the deployment's zone: 2026-11-23 */
  day(time: string | number): string;
  /** Rounded to 10 m, from 1 km on to 100 m: "240 米", "1.2 km" */
  distance(metres: number): string;
  /** A length of time in its largest fitting unit: "12 分钟", "3 h" */
  span(milliseconds: number): string;
}

const UNITS: readonly (readonly [number, string, string])[] = [
  [86_400_000, '天', 'd'],
  [3_600_000, '小时', 'h'],
  [60_000, '分钟', 'min'],
  [1000, '秒', 's'],
];

export function createFormat(lang: Lang, zone: string, threshold: number): Format {
  const whole = new Intl.NumberFormat(lang);
  const tenth = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
  const short = new Intl.NumberFormat(lang, { notation: 'compact', maximumSignificantDigits: 3 });
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const split = (time: string | number) => {
    const at: Record<string, string> = {};
    for (const p of parts.formatToParts(new Date(time))) at[p.type] = p.value;
    return at;
  };
  const clock = (time: string) => {
    const p = split(time);
    return `${p.hour}:${p.minute}`;
  };
  const day = (time: string | number) => {
    const p = split(time);
    return `${p.year}-${p.month}-${p.day}`;
  };
  return {
    count: (n) => (n === undefined ? '—' : n === null ? `<${threshold}` : whole.format(n)),
    decimal: (n) => (n < 100 ? tenth.format(n) : whole.format(Math.round(n))),
    brief: (n) => short.format(n),
    percent: (part, all) => (all > 0 ? `${tenth.format((100 * part) / all)}%` : '—'),
    clock,
    seconds: (time) => `${clock(time)}:${split(time).second}`,
    moment: (time) => `${day(time).slice(5)} ${clock(time)}`,
    short: (time, now) => {
      const [then, today] = [day(time), day(now)];
      if (then === today) return clock(time);
      return then.slice(0, 4) === today.slice(0, 4) ? then.slice(5) : then.slice(0, 7);
    },
    day,
    distance: (metres) =>
      metres < 995
        ? `${Math.max(10, Math.round(metres / 10) * 10)} ${lang === 'en' ? 'm' : '米'}`
        : `${tenth.format(Math.round(metres / 100) / 10)} ${lang === 'en' ? 'km' : '公里'}`,
    span(milliseconds) {
      const ms = Math.max(0, milliseconds);
      const unit = UNITS.find(([size]) => ms >= size) ?? UNITS[UNITS.length - 1];
      if (!unit) return '';
      const n = Math.floor(ms / unit[0]);
      return `${n} ${lang === 'en' ? unit[2] : unit[1]}`;
    },
  };
}
