import { computed, type InjectionKey, inject, onScopeDispose } from 'vue';
import { api } from '@/core/api';
import { hub } from '@/core/hub';
import { useResource } from '@/core/resource';
import type { Words } from '@/core/words';
import type { Someone } from '@/map/people';
import type { Situation } from './situation';

/** How often the last positions are read again. */
const EVERY = 30_000;
/** From this age on a position is old: the mark is at its faintest and says its age (dispatch.Stale). */
const STALE = 30 * 60_000;

/** Workers on duty who tell where they are, for those who may see it: the last position, never a track. */
export function createPresence(s: Situation, words: Words) {
  const me = useResource(
    () => 'me',
    (_, ask) => api.me(ask),
  );
  const may = computed(() => me.data.value?.rights.includes('handle') ?? false);
  const on = computed(() => may.value && s.view.value.people);
  const list = useResource(
    () => (on.value ? s.code.value : ''),
    (code, ask) => hub.presence(code, ask),
  );
  const tick = setInterval(() => on.value && list.refresh(), EVERY);
  onScopeDispose(() => clearInterval(tick));
  const age = (seenAt: string) => Math.max(0, s.now.value - Date.parse(seenAt));
  const shown = computed<readonly Someone[]>(() =>
    (on.value ? (list.data.value ?? []) : []).map((w) => {
      const old = age(w.seenAt);
      const said = words.t('hub.seen', { age: words.format.value.span(old) });
      return {
        id: w.id,
        lon: w.lon,
        lat: w.lat,
        title: `${words.name(w)} · ${said}`,
        text: old >= STALE ? said : '',
        free: w.inHand < w.capacity,
        chosen: false,
        opacity: Math.round(Math.max(0.4, 1 - 0.6 * Math.min(1, old / STALE)) * 20) / 20,
      };
    }),
  );
  return {
    may,
    on,
    shown,
    error: list.error,
    loading: list.loading,
    toggle: () => s.adjust({ people: !s.view.value.people }),
  };
}

export type Presence = ReturnType<typeof createPresence>;
export const PRESENCE: InjectionKey<Presence> = Symbol('presence');

export function usePresence(): Presence {
  const presence = inject(PRESENCE);
  if (!presence) throw new Error('no presence provided');
  return presence;
}
