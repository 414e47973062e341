import { computed, type InjectionKey, inject, shallowRef } from 'vue';
import { api } from '@/core/api';
import type { AreaCounts, LonLat } from '@/core/model';
import { useResource } from '@/core/resource';
import { MOST_CORNERS } from '@/core/url';
import { crosses } from '@/map/draw';
import type { Situation } from './situation';

/** The server counts this many layers in one request. */
const MOST_LAYERS = 64;

/** The area that is drawn or counted in. */
export function createArea(s: Situation) {
  /** Corners while drawing; null: not drawing. */
  const draft = shallowRef<readonly LonLat[] | null>(null);
  const corners = computed<readonly LonLat[]>(() => draft.value ?? s.view.value.area ?? []);
  const layers = computed(() =>
    s.active.value
      .filter((l) => l.def.kind !== 'place')
      .map((l) => l.def)
      .slice(0, MOST_LAYERS),
  );
  const key = computed(() => {
    const { area } = s.view.value;
    // Which layers are on is known once the server has told of them.
    if (draft.value || !area || !s.groups.data.value) return '';
    return JSON.stringify([area, layers.value.map((l) => l.code)]);
  });
  const counts = useResource<AreaCounts>(
    key,
    (text, ask) => api.count(...(JSON.parse(text) as [LonLat[], string[]]), ask),
    { gather: 1000 },
  );
  s.onChanges((changes) => counts.refresh(changes === 'all' ? undefined : changes[changes.length - 1]?.position));

  const crossing = computed(() => crosses(corners.value, draft.value === null));
  const closes = computed(() => corners.value.length >= 3 && !crosses(corners.value, true));
  return {
    corners,
    layers,
    counts,
    drawing: computed(() => draft.value !== null),
    shown: computed(() => draft.value !== null || s.view.value.area !== null),
    crossing,
    /** Whether the corners make an area. */
    closes,
    full: computed(() => corners.value.length >= MOST_CORNERS),
    begin() {
      draft.value = [];
    },
    add(at: LonLat) {
      if (draft.value && draft.value.length < MOST_CORNERS) draft.value = [...draft.value, at];
    },
    undo() {
      if (draft.value) draft.value = draft.value.slice(0, -1);
    },
    /** Ends drawing and counts; false while the corners make no area. */
    finish(): boolean {
      if (!draft.value || !closes.value) return false;
      const area = draft.value;
      draft.value = null;
      s.go({ area });
      return true;
    },
    cancel() {
      draft.value = null;
    },
    clear() {
      draft.value = null;
      if (s.view.value.area) s.go({ area: null });
    },
  };
}

export type AreaState = ReturnType<typeof createArea>;
export const AREA: InjectionKey<AreaState> = Symbol('area');

export function useArea(): AreaState {
  const area = inject(AREA);
  if (!area) throw new Error('no area provided');
  return area;
}
