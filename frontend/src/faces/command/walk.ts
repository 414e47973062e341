import { computed, onScopeDispose, shallowRef, watch } from 'vue';
import type { Situation } from './situation';

/** How long a wall stays at each place. */
const STAY = 20_000;

/**
 * The carousel of a wall: the place that it was started at and its children, one after another, until the
 * button is pressed again or an event is opened.
 */
export function useWalk(s: Situation) {
  const stops = shallowRef<string[]>([]);
  let at = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    stops.value = [];
  };
  const on = computed(() => stops.value.length > 0);
  function start() {
    const view = s.place.data.value;
    if (!view) return;
    stops.value = [view.place.code, ...view.children.map((c) => c.code)];
    at = 0;
    timer = setInterval(() => {
      at = (at + 1) % stops.value.length;
      s.choosePlace(stops.value[at] ?? s.root.value);
    }, STAY);
  }
  // An event that somebody opens is worth more than the next place.
  watch(
    () => s.view.value.card,
    (card) => {
      if (card) stop();
    },
  );
  onScopeDispose(stop);
  return { on, toggle: () => (on.value ? stop() : start()) };
}
