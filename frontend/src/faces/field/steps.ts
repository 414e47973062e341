import { type Lang, translator } from '@/core/i18n';
import { newKey } from '@/core/key';
import type { StoredPhoto } from '@/core/outbox/store';
import { account } from './account';
import type { Field } from './field';
import type { Position } from './position';

export interface Taken {
  note?: string;
  reason?: string;
  at?: Position | null;
  photos?: readonly StoredPhoto[];
}

/** Puts a step of an event's life into the outbox, named for the list of what is unsent. */
export async function takeStep(
  field: Field,
  event: { id: number; title: string; version: number },
  step: string,
  taken: Taken,
): Promise<void> {
  const { note, reason, at, photos = [] } = taken;
  const now = Date.now();
  const named = (lang: Lang) => `${event.title} · ${translator(lang)(`field.step.${step as 'start'}`)}`;
  await field.outbox.post(
    {
      key: newKey(),
      owner: account.known(),
      kind: 'step',
      at: now,
      title: named('zh-CN'),
      titleEn: named('en'),
      body: {
        step,
        at: new Date(now).toISOString(),
        ...(note ? { note } : {}),
        ...(reason ? { reason } : {}),
        ...(at ? { lon: at.lon, lat: at.lat, datum: 'WGS84' } : {}),
      },
      event: event.id,
      seen: event.version,
      photos: photos.map((p) => p.id),
      evidence: [],
      state: 'waiting',
      sentAt: 0,
      error: '',
    },
    photos,
  );
}
