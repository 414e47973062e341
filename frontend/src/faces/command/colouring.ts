import { computed, type Ref } from 'vue';
import type { Metric } from '@/core/url';
import type { Words } from '@/core/words';
import { classify } from '@/map/choropleth';
import { palettes } from '@/map/palette';
import { hasAreas, rank } from './metric';
import type { Replay } from './replay';
import type { Risk } from './risk';
import type { Situation } from './situation';

/** Of events; the other metrics are known of the present alone. */
const OF_EVENTS: readonly Metric[] = ['open', 'today', 'overdue'];

/** What the places below are coloured and ranked by: the metric, or their risk. */
export function createColouring(s: Situation, risk: Risk, replay: Replay, { t, format }: Words) {
  const children = computed(() => s.place.data.value?.children ?? []);
  const density = computed(() => hasAreas(children.value));
  const past = computed(() => replay.on.value && OF_EVENTS.includes(s.view.value.metric));
  const ranked = computed(() => {
    const figures = (past.value ? replay.figures.value : s.figures).data.value;
    return figures ? rank(children.value, figures.children, s.view.value.metric, density.value) : [];
  });
  const choropleth = computed(() =>
    risk.on.value ? risk.choropleth.value : classify(new Map(ranked.value.map((r) => [r.place.code, r.figure]))),
  );
  const ramp: Ref<readonly string[]> = computed(() => palettes[s.view.value.theme].ramp);
  const title = computed(() => {
    if (risk.on.value) return risk.day.value ? t('risk.filmDay', { day: risk.day.value }) : t('risk.legend');
    const m = s.view.value.metric;
    const metric = m === 'density' && !density.value ? t('metric.person') : t(`metric.${m}`);
    return replay.on.value && !past.value ? `${metric} · ${t('replay.present')}` : metric;
  });
  return {
    children,
    density,
    ranked,
    choropleth,
    ramp,
    title,
    colors: computed(
      () => new Map([...choropleth.value.classes].map(([code, n]) => [code, ramp.value[n] ?? 'var(--bar)'])),
    ),
    bins: computed(() =>
      choropleth.value.bins.map(({ n, from, to }) => ({
        color: ramp.value[n] ?? 'var(--bar)',
        from: format.value.brief(Math.round(from)),
        to: format.value.brief(Math.round(to)),
      })),
    ),
    /** What a place's colour says, in words; '' when there is none. */
    tell(code: string): string {
      const score = risk.on.value && risk.ranking.data.value?.children.find((x) => x.place.code === code);
      if (score) return risk.bandText(score);
      const r = ranked.value.find((x) => x.place.code === code);
      if (!r) return '';
      if (r.beyond) return t('rank.beyond');
      return `${title.value} ${r.figure === null ? t('map.noData') : format.value.count(Math.round(r.figure))}`;
    },
  };
}
