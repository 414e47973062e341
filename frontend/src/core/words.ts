import { type ComputedRef, computed, type InjectionKey, inject, type Ref } from 'vue';
import { createFormat, type Format } from './format';
import { type Lang, type Translate, translator, word } from './i18n';
import type { Named } from './model';

type Family =
  | 'status'
  | 'channel'
  | 'level'
  | 'site'
  | 'step'
  | 'command'
  | 'follow.stars'
  | `alert.${'status' | 'severity' | 'urgency' | 'certainty' | 'response'}`
  | `risk.${'model' | 'term' | 'channel' | 'change' | 'method' | 'proofState' | 'today.why' | 'today.peers'}`;

/** Words, numbers and times in the reader's language and the deployment's zone. */
export interface Words {
  lang: Ref<Lang>;
  t: Translate;
  format: ComputedRef<Format>;
  name(thing: Named): string;
  /** Where something is: the names of the places around it, or that it is in none. */
  path(thing: { place: unknown; placePath: string; placePathEn: string }): string;
  /** A code of an open set in words. */
  word(family: Family, code: string): string;
}

const KEY: InjectionKey<Words> = Symbol('words');

export function createWords(lang: Ref<Lang>, zone: () => string, threshold: () => number): Words {
  const translate = computed(() => translator(lang.value));
  return {
    lang,
    t: (key, values) => translate.value(key, values),
    format: computed(() => createFormat(lang.value, zone(), threshold())),
    name: (thing) => (lang.value === 'en' && thing.nameEn ? thing.nameEn : thing.name),
    path: (thing) => {
      if (!thing.place) return translate.value('place.none');
      return lang.value === 'en' ? thing.placePathEn : thing.placePath;
    },
    word: (family, code) => word(translate.value, family, code),
  };
}

export const WORDS = KEY;

export function useWords(): Words {
  const words = inject(KEY);
  if (!words) throw new Error('no words provided');
  return words;
}
