import { computed, type InjectionKey, inject, onScopeDispose, shallowRef, watch } from 'vue';
import { api } from '@/core/api';
import type { Named } from '@/core/model';
import { useReel } from '@/core/reel';
import { useResource } from '@/core/resource';
import { bandClass, bandWord, type RiskChoice, type RiskScore } from '@/core/risk';
import type { Words } from '@/core/words';
import { type Choropleth, CLASSES } from '@/map/choropleth';
import type { Situation } from './situation';

/** How often the estimate is read again without a change: the day passes and sources fall silent by the clock alone. */
const EVERY = 60_000;
/** Milliseconds that a picture of the film stays. */
const FRAME = 350;

/** The risk of places on the command face; it reads nothing while it is not shown. */
export function createRisk(s: Situation, words: Words) {
  /** What the address asks for; a category that this deployment does not know falls back to its first. */
  const choice = computed(() => {
    const c = s.view.value.risk;
    const known = s.classes.data.value && c?.category ? s.classOf('event', c.category) : true;
    return c && !known ? { ...c, category: '' } : c;
  });
  const on = computed(() => choice.value !== null);
  const key = (prefix: string) => () => {
    const c = choice.value;
    // Whether a category is known is known with the classes.
    return c && s.code.value && (!c.category || s.classes.data.value)
      ? `${prefix}/${s.code.value}/${c.category}/${c.horizon}`
      : '';
  };
  const ask = () => ({ category: choice.value?.category ?? '', horizon: choice.value?.horizon ?? 7 });
  const ranking = useResource(key('rank'), (_, o) => api.risk(s.code.value, ask().category, ask().horizon, o), {
    gather: 1000,
  });
  const why = useResource(
    () => (choice.value?.show === 'why' ? key('why')() : ''),
    (_, o) => api.riskOf(s.code.value, ask().category, ask().horizon, o),
    { gather: 1000 },
  );
  const signals = useResource(
    () => (on.value && s.code.value ? `signals/${s.code.value}` : ''),
    (_, o) => api.signals(s.code.value, o),
    { gather: 5000 },
  );
  s.onChanges(() => {
    if (!on.value) return;
    ranking.refresh();
    if (choice.value?.show === 'why') why.refresh();
  });
  const timer = setInterval(() => {
    if (!on.value) return;
    ranking.refresh();
    signals.refresh();
  }, EVERY);

  // The film of the last 90 days: bands by place, one picture after another.
  const frame = shallowRef(-1);
  const film = useResource(
    () => (frame.value >= 0 ? key('film')() : ''),
    (_, o) => api.riskFilm(s.code.value, ask().category, ask().horizon, o),
  );
  const reel = useReel({
    count: () => film.data.value?.frames.length ?? 0,
    at: () => frame.value,
    move: (to) => {
      frame.value = to;
    },
    shown: () => film.data.value !== null,
    stay: () => FRAME,
  });
  const stop = () => {
    reel.pause();
    frame.value = -1;
  };
  watch(key('stop'), stop);
  onScopeDispose(() => clearInterval(timer));

  const bands = computed<ReadonlyMap<string, { band: number | null; weak: boolean }>>(() => {
    const data = film.data.value;
    const now = frame.value >= 0 ? data?.frames[frame.value] : undefined;
    if (data && now) {
      return new Map(
        data.codes.map((c, i) => {
          const band = now.bands[i] ?? -1;
          return [c, { band: band < 0 ? null : band, weak: band < 0 }];
        }),
      );
    }
    return new Map(
      (ranking.data.value?.children ?? []).map((c) => [
        c.place.code,
        { band: c.band, weak: c.grade === 'C' || c.grade === 'D' },
      ]),
    );
  });
  /** Colour by band, hatch where the grade is low. */
  const choropleth = computed<Choropleth>(() => {
    const classes = new Map<string, number>();
    const hatched: string[] = [];
    const bins = new Map<number, { n: number; from: number; to: number }>();
    for (let band = 0; band <= 10; band++) {
      const n = bandClass(band, CLASSES);
      const bin = bins.get(n);
      bins.set(n, { n, from: bin?.from ?? band, to: band });
    }
    for (const [code, { band, weak }] of bands.value) {
      if (band !== null) classes.set(code, bandClass(band, CLASSES));
      if (weak) hatched.push(code);
    }
    return { classes, hatched, least: 0, most: 10, bins: [...bins.values()] };
  });

  const say = (c: Partial<RiskChoice>) => {
    const now = choice.value ?? { category: '', horizon: 7 as const, show: '' as const };
    s.go({ risk: { ...now, ...c }, moment: null });
  };
  const known = computed(() => ranking.data.value?.category ?? choice.value?.category ?? '');
  return {
    choice,
    on,
    ranking,
    why,
    signals,
    choropleth,
    category: known,
    open: () => say({ show: '' }),
    close: () => s.go({ risk: null }),
    choose: (category: string) => say({ category }),
    over: (horizon: 7 | 30) => say({ horizon }),
    show: (show: RiskChoice['show']) => say({ show }),
    explain: (place: string) => {
      const now = choice.value ?? { category: '', horizon: 7 as const, show: '' as const };
      s.go({
        place: place === s.root.value ? '' : place,
        camera: null,
        card: null,
        moment: null,
        risk: { ...now, show: 'why' },
      });
    },
    frame,
    day: computed(() => (frame.value >= 0 ? (film.data.value?.frames[frame.value]?.date ?? '') : '')),
    frames: computed(() => film.data.value?.frames.length ?? 0),
    playing: reel.playing,
    /** Opens the film and plays it, or goes back to the present estimate. */
    film: () => (frame.value >= 0 ? stop() : reel.play()),
    toggle: () => (reel.playing.value ? reel.pause() : reel.play()),
    move(to: number) {
      reel.pause();
      frame.value = to;
    },
    categoryName: (code: string) => {
      const c: Named | undefined = s.classOf('event', code);
      return c ? words.name(c) : code;
    },
    bandText: (score: Pick<RiskScore, 'band'>) =>
      score.band === null ? words.t('risk.noData') : words.t(`risk.word.${bandWord(score.band) as 0 | 1 | 2 | 3 | 4}`),
    /** A model's name in words: "shrunk+recent". */
    modelText: (spec: string) =>
      spec
        .split('+')
        .map((part) => words.word('risk.model', part))
        .join(' + '),
  };
}

export type Risk = ReturnType<typeof createRisk>;
export const RISK: InjectionKey<Risk> = Symbol('risk');

export function useRisk(): Risk {
  const risk = inject(RISK);
  if (!risk) throw new Error('no risk provided');
  return risk;
}
