import { type Ref, shallowRef, watch } from 'vue';
import type { Lang } from '@/core/i18n';

export const TEXT_SIZES = ['1', '2', '3', '4'] as const;
export type TextSize = (typeof TEXT_SIZES)[number];

export interface Grid {
  code: string;
  name: string;
  nameEn: string;
  bounds: readonly number[];
}

/** What the reader has chosen on this phone. Nothing of it is personal. */
export interface Settings {
  lang: Ref<Lang>;
  text: Ref<TextSize>;
  grids: Ref<readonly Grid[]>;
  /** When the map of the grids was kept, in milliseconds; 0: it is not. */
  keptAt: Ref<number>;
  /** The last position is shared; for this shift only. */
  shares: Ref<boolean>;
}

const KEY = 'field.settings';

function stored(): Record<string, unknown> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, unknown>;
  } catch {
    return {}; // another program wrote there, or nothing may be read
  }
}

export function createSettings(): Settings {
  const was = stored();
  const asked = new URLSearchParams(location.search).get('lang');
  const lang: Lang = (asked ?? was.lang) === 'en' ? 'en' : 'zh-CN';
  const settings: Settings = {
    lang: shallowRef(lang),
    text: shallowRef(TEXT_SIZES.find((s) => s === was.text) ?? '1'),
    grids: shallowRef(Array.isArray(was.grids) ? (was.grids as Grid[]) : []),
    shares: shallowRef(was.shares === true),
    keptAt: shallowRef(typeof was.keptAt === 'number' ? was.keptAt : 0),
  };
  const { lang: l, text, grids, keptAt, shares } = settings;
  const keep = () => {
    try {
      const value = { lang: l.value, text: text.value, grids: grids.value, keptAt: keptAt.value, shares: shares.value };
      localStorage.setItem(KEY, JSON.stringify(value));
    } catch {
      // No space: the choice holds until the page is closed.
    }
  };
  // At once: a language that the address asked for is a choice too.
  watch([l, text, grids, keptAt, shares], keep, { immediate: true });
  watch(
    [l, text],
    () => {
      const root = document.documentElement;
      root.lang = l.value;
      root.dataset.text = text.value;
    },
    { immediate: true },
  );
  return settings;
}
