import { computed, type InjectionKey, inject, shallowRef, watch } from 'vue';
import { api } from '@/core/api';
import type { EventPage, Figures } from '@/core/model';
import { momentsOf, momentText, nearest, SPANS, type Span, spanOf } from '@/core/moment';
import { useReel } from '@/core/reel';
import { useResource } from '@/core/resource';
import type { Situation } from './situation';

/** Milliseconds that a moment stays, by speed. */
export const SPEEDS = { slow: 1600, normal: 800, fast: 400 } as const;
export type Speed = keyof typeof SPEEDS;

/**
 * The past on the command face: the moment stands in the address; map, list and figures tell what was open then. The
 * present is read on in the background, so that the way back shows it at once.
 */
export function createReplay(s: Situation) {
  const began = shallowRef(Date.now());
  const moment = computed(() => s.view.value.moment);
  const on = computed(() => moment.value !== null);
  const span = shallowRef<Span>(spanOf(moment.value ?? began.value, began.value));
  const speed = shallowRef<Speed>('normal');
  const moments = computed(() => momentsOf(span.value, began.value));
  const at = computed(() => (moment.value === null ? -1 : nearest(moments.value, moment.value)));
  /** The moment that is looked at, and the one after it; '': none. An address may name one between two. */
  const textAt = (i: number) => {
    const m = on.value ? moments.value[i] : undefined;
    return m === undefined ? '' : momentText(m);
  };
  const text = computed(() => textAt(at.value));
  const next = computed(() => textAt(at.value + 1));

  const key = (what: string) => () => (text.value && s.code.value ? `${what}/${s.code.value}@${text.value}` : '');
  const place = { while: (k: string) => k.slice(0, k.indexOf('@')) };
  const figures = useResource<Figures>(key('figures'), (_, ask) => api.figures(s.code.value, ask, text.value), place);
  const list = computed(() => (s.view.value.list === 'overdue' ? 'overdue' : 'open'));
  const events = useResource<EventPage & { moment: number }>(
    () => key(list.value)(),
    async (_, ask) => {
      const then = text.value;
      return { ...(await api.events(s.code.value, list.value, 40, undefined, ask, then)), moment: Date.parse(then) };
    },
    place,
  );

  /** What the map shows, as it tells; null: there is no map to wait for. */
  const drawn = shallowRef<string | null>('');
  const shown = computed(
    () => (drawn.value ?? text.value) === text.value && !figures.loading.value && !events.loading.value,
  );
  const move = (to: number) => s.adjust({ moment: moments.value[to] ?? null });
  const reel = useReel({
    count: () => moments.value.length,
    at: () => at.value,
    move,
    shown: () => shown.value,
    stay: () => SPEEDS[speed.value],
  });
  watch(on, (is) => {
    if (!is) reel.pause();
  });
  return {
    on,
    text,
    next,
    at,
    span,
    speed,
    moments,
    list,
    drawn,
    /** Map, list and figures show the moment. */
    shown,
    events,
    playing: reel.playing,
    /** Figures of the moment, or of now. */
    figures: computed(() => (on.value ? figures : s.figures)),
    open() {
      began.value = Date.now();
      const [day] = SPANS;
      span.value = day;
      s.go({ moment: momentsOf(day, began.value)[0] ?? null, risk: null, card: null });
    },
    /** Back to now. */
    close: () => s.go({ moment: null }),
    choose(to: Span) {
      span.value = to;
      reel.pause();
      move(0);
    },
    move(to: number) {
      reel.pause();
      move(to);
    },
    toggle: () => (reel.playing.value ? reel.pause() : reel.play()),
  };
}

export type Replay = ReturnType<typeof createReplay>;
export const REPLAY: InjectionKey<Replay> = Symbol('replay');

export function useReplay(): Replay {
  const replay = inject(REPLAY);
  if (!replay) throw new Error('no replay provided');
  return replay;
}
