import { events, type RiskHint } from '@/core/risk';
import type { Words } from '@/core/words';

/** Days from one event to the next: who walks thinks in days, not in hundredths of an event. */
const every = (expected: number) => Math.round(7 / Math.max(expected, 0.01));

/** Why a place is worth a look, a sentence each: how many, why, who found them, how far to rely on it. */
export function hintWords(h: RiskHint, { t, word }: Words): string[] {
  const out: string[] = [];
  if (h.signal) {
    const { days, observed, expected } = h.signal;
    const key = h.signal.kind === 'rise' ? 'risk.today.unusual' : 'risk.today.together';
    out.push(t(key, { days, observed, expected: events(expected) }));
  } else {
    const peers = word('risk.today.peers', String(h.place.level));
    if (h.expected >= 1) out.push(t('risk.today.more', { n: events(h.expected), peers, usual: events(h.usual) }));
    else out.push(t('risk.today.rare', { n: every(h.expected), peers, usual: every(h.usual) }));
    out.push(word('risk.today.why', h.main.code));
  }
  out.push(t('risk.today.found', { reported: h.reported30d, patrolled: h.patrolled30d }));
  if (h.patrolled30d > h.reported30d) out.push(t('risk.today.patrol'));
  if (h.grade === 'C' || h.grade === 'D') out.push(t('risk.today.weak'));
  return out;
}
