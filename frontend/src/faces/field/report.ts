import type { ClassDef, ItemDef } from '@/core/model';
import type { Draft, Item } from '@/core/outbox/store';

/** Characters of a title that the server takes. */
const TITLE = 120;

/**
 * What is sent of a draft. Its title is the item's name, or the beginning of what was written where no item fits; what
 * was written is the description.
 */
export function reportOf(draft: Draft, item: ItemDef | undefined, category: ClassDef | undefined): Item {
  const text = draft.text.trim();
  const first = [...(text.split(/[\n。！？!?]/)[0] ?? '')].slice(0, 60).join('');
  const title = item?.name || first || category?.name || draft.category;
  const where = draft.where ?? { lon: 0, lat: 0 };
  const body = {
    title: [...title].slice(0, TITLE).join(''),
    ...(text ? { description: text } : {}),
    category: draft.category,
    ...(draft.item ? { item: draft.item } : {}),
    channel: 'patrol',
    lon: where.lon,
    lat: where.lat,
    datum: 'WGS84',
    ...(draft.address.trim() ? { address: draft.address.trim() } : {}),
    reportedAt: new Date(draft.at).toISOString(),
  };
  return {
    key: draft.key,
    owner: draft.owner,
    kind: 'report',
    at: draft.at,
    title,
    titleEn: item?.nameEn || first || category?.nameEn || title,
    body,
    event: null,
    photos: draft.photos,
    evidence: [],
    state: 'waiting',
    sentAt: 0,
    error: '',
  };
}
