import { computed, type InjectionKey, inject, onScopeDispose, type Ref, shallowRef, watch } from 'vue';
import { type ApiError, api } from '@/core/api';
import type { Change, ClassDef, EventSummary, ItemDef, LayerDef, Named, PlaceRef } from '@/core/model';
import { refusal } from '@/core/refusal';
import { useResource } from '@/core/resource';
import { openStream, type Stream, type StreamState } from '@/core/stream';
import type { CardKind, List, Metric, ViewState } from '@/core/url';
import type { Words } from '@/core/words';
import type { Someone } from '@/map/people';
import { mixed } from '@/map/style';

/** How often figures are read again without a change: events become overdue by the clock alone. */
const FIGURES_EVERY = 60_000;
const SOURCES_EVERY = 30_000;
/** Alerts begin and expire by the clock alone. */
const ALERTS_EVERY = 30_000;
/** Without a word for so long the page counts as old. The server speaks at least every 5 s. */
const STALE_AFTER = 15_000;
const LIST = 40;

/** All that the command face shows, read from the server and kept up by its stream. */
export function createSituation(state: ViewState, words: Words) {
  const { view } = state;
  const now = shallowRef(Date.now());
  const deployment = useResource(
    () => 'deployment',
    (_, ask) => api.deployment(ask),
  );
  const ready = computed(() => (deployment.data.value ? 'ready' : ''));
  const root = computed(() => deployment.data.value?.home ?? '');
  const code = computed(() => (deployment.data.value ? view.value.place || root.value : ''));
  const place = useResource(code, api.place);
  const figures = useResource(code, api.figures, { gather: 1500 });
  const listed = computed(() => (code.value ? `${code.value}/${view.value.list}` : ''));
  const events = useResource(listed, (_, ask) => api.events(code.value, view.value.list, LIST, undefined, ask), {
    gather: 300,
  });
  const alerts = useResource(code, (c, ask) => api.alerts(c, ask), { gather: 300 });
  const groups = useResource(ready, (_, ask) => api.layers(ask), { gather: 2000 });
  const classes = useResource(ready, (_, ask) => api.classes(ask), { gather: 2000 });
  const sources = useResource(ready, (_, ask) => api.sources(ask), { gather: 5000 });

  const streamed = useStream(deployment.data, {
    event: (position) => {
      events.refresh(position);
      figures.refresh(position);
    },
    figures: (position) => figures.refresh(position),
    alert: (position) => alerts.refresh(position),
    catalogue: () => {
      groups.refresh();
      classes.refresh();
      sources.refresh();
    },
    lost: () => deployment.refresh(),
    all: () => {
      for (const r of [deployment, place, figures, events, alerts, groups, classes, sources]) r.refresh();
    },
  });

  const ticks = [
    setInterval(() => {
      now.value = Date.now();
    }, 1000),
    setInterval(() => figures.refresh(), FIGURES_EVERY),
    setInterval(() => sources.refresh(), SOURCES_EVERY),
    setInterval(() => alerts.refresh(), ALERTS_EVERY),
  ];
  onScopeDispose(() => ticks.forEach(clearInterval));

  /** The last place read: while the next one is being read, the map keeps its look. */
  const selected = shallowRef<PlaceRef | null>(null);
  watch(place.data, (p) => {
    if (p) selected.value = p.place;
  });

  const layers = computed<LayerDef[]>(() => (groups.data.value ?? []).flatMap((g) => g.layers));
  const active = computed(() => {
    const chosen = view.value.layers;
    if (!chosen) return layers.value.filter((l) => l.visible).map((def) => ({ def, opacity: 1 }));
    return chosen.flatMap(({ code: c, opacity }) => {
      const def = layers.value.find((l) => l.code === c);
      return def ? [{ def, opacity }] : [];
    });
  });
  const classOf = computed(() => {
    const found = new Map<string, ClassDef>();
    for (const c of classes.data.value?.classes ?? []) found.set(`${c.kind}/${c.code}`, c);
    return found;
  });
  const itemOf = computed(() => new Map<string, ItemDef>((classes.data.value?.items ?? []).map((i) => [i.code, i])));
  const older = shallowRef<EventSummary[]>([]);
  const next = shallowRef<string | null>(null);
  /** Who could take what is being assigned, on the map; empty: nothing is. */
  const candidates = shallowRef<readonly Someone[]>([]);
  watch(listed, () => {
    older.value = [];
    next.value = null;
  });

  return {
    ...state,
    now,
    deployment,
    root,
    code,
    place,
    figures,
    events,
    alerts,
    groups,
    classes,
    sources,
    selected,
    layers,
    active,
    ...streamed,
    /** How old what is shown is, in milliseconds, when it is too old to be called live; else 0. */
    stale: computed(() => {
      const quiet = now.value - streamed.heardAt.value;
      return streamed.streamState.value === 'lost' || quiet > STALE_AFTER ? Math.max(quiet, 1000) : 0;
    }),
    /** The marks that a layer shows: of its classes where it holds several, else its own. */
    legendOf(def: LayerDef): { key: string; label: Named; shape: string; color: string }[] {
      const all = mixed(def) ? (classes.data.value?.classes ?? []).filter((c) => c.kind === def.kind && c.shape) : [];
      if (all.length === 0 || all.length > 8)
        return [{ key: def.code, label: def, shape: def.shape, color: def.color }];
      return all.map((c) => ({ key: `${def.code}/${c.code}`, label: c, shape: c.shape, color: c.color }));
    },
    classOf: (kind: string, c: string) => classOf.value.get(`${kind}/${c}`),
    itemOf: (c: string) => itemOf.value.get(c),
    /** What an event is called: its own title, or in another language the name of its item. */
    title: (e: EventSummary) => {
      const item = e.item ? itemOf.value.get(e.item) : undefined;
      const category = classOf.value.get(`event/${e.category}`);
      if (words.lang.value === 'en') return item?.nameEn || category?.nameEn || e.title;
      return e.title || item?.name || category?.name || '';
    },
    older,
    candidates,
    async more() {
      const before = older.value.length ? next.value : (events.data.value?.next ?? null);
      if (!before) return;
      const page = await api.events(code.value, view.value.list, LIST, before);
      older.value = [...older.value, ...page.events];
      next.value = page.next;
    },
    hasMore: computed(() => (older.value.length ? next.value : events.data.value?.next) !== null),
    choosePlace(c: string) {
      state.go({ place: c === root.value ? '' : c, camera: null, card: null });
    },
    up() {
      const path = place.data.value?.path ?? [];
      const parent = path[path.length - 2];
      if (parent) state.go({ place: parent.code === root.value ? '' : parent.code, camera: null, card: null });
    },
    chooseMetric: (metric: Metric) => state.adjust({ metric }),
    chooseList: (list: List) => state.adjust({ list }),
    open: (kind: CardKind, id: number) => state.go({ card: { kind, id } }),
    toggle(c: string) {
      const now = active.value.map((l) => ({ code: l.def.code, opacity: l.opacity }));
      const rest = now.filter((l) => l.code !== c);
      state.adjust({ layers: rest.length < now.length ? rest : [...now, { code: c, opacity: 1 }] });
    },
    fade(c: string, opacity: number) {
      const layers = active.value.map((l) => ({
        code: l.def.code,
        opacity: l.def.code === c ? opacity : l.opacity,
      }));
      state.adjust({ layers });
    },
    /** What went wrong in words, with what happens next. */
    explain(error: ApiError | null): string {
      return error ? refusal(words.t, words.lang.value, error) : '';
    },
  };
}

interface Effects {
  event(position: string): void;
  figures(position: string): void;
  alert(position: string): void;
  catalogue(): void;
  lost(): void;
  all(): void;
}

/** The stream of changes: opened once the deployment is known, and what each kind of change makes the page read. */
function useStream(deployment: Ref<{ position: string; asOf: string } | null>, effects: Effects) {
  const streamState = shallowRef<StreamState>('connecting');
  const asOf = shallowRef('');
  const heardAt = shallowRef(Date.now());
  const listeners = new Set<(changes: Change[] | 'all') => void>();
  let stream: Stream | null = null;
  let queue: Change[] = [];
  let flush: ReturnType<typeof setTimeout> | undefined;

  const tell = (changes: Change[] | 'all') => {
    for (const listen of listeners) listen(changes);
  };
  const onChange = (change: Change) => {
    if (change.kind === 'event') effects.event(change.position);
    else if (change.kind === 'person' || change.kind === 'site') effects.figures(change.position);
    else if (change.kind === 'alert') effects.alert(change.position);
    else if (change.kind === 'instruction') {
      // Only the card of instructions shows them, and listens by itself.
    } else effects.all();
    if (change.op === 'batch') effects.catalogue();
    queue.push(change);
    flush ??= setTimeout(() => {
      flush = undefined;
      const told = queue;
      queue = [];
      tell(told.some((c) => c.kind === 'place' || c.kind === 'layer' || c.kind === 'catalogue') ? 'all' : told);
    }, 120);
  };
  watch(
    deployment,
    (d) => {
      if (!d || stream) return;
      const s = openStream({
        after: d.position,
        onChange,
        onReset: () => {
          effects.all();
          tell('all');
        },
      });
      stream = s;
      asOf.value = d.asOf;
      watch(s.state, (v, old) => {
        streamState.value = v;
        if (v === 'lost') effects.lost(); // perhaps the session is over: then the answer leads to the sign-in page
        // What failed while the server was away is read again.
        if (old === 'lost' && v === 'live') {
          effects.all();
          tell('all');
        }
      });
      watch(s.asOf, (v) => {
        asOf.value = v;
      });
      watch(
        s.heardAt,
        (v) => {
          heardAt.value = v;
        },
        { immediate: true },
      );
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    clearTimeout(flush);
    stream?.close();
  });
  return {
    streamState,
    asOf,
    heardAt,
    /** Tells of changes as they come, gathered for a moment; 'all' means that anything may have changed. */
    onChanges(listen: (changes: Change[] | 'all') => void) {
      listeners.add(listen);
      onScopeDispose(() => listeners.delete(listen));
    },
  };
}

export type Situation = ReturnType<typeof createSituation>;
export const SITUATION: InjectionKey<Situation> = Symbol('situation');

export function useSituation(): Situation {
  const situation = inject(SITUATION);
  if (!situation) throw new Error('no situation provided');
  return situation;
}
