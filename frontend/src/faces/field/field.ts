import { computed, type InjectionKey, inject, onScopeDispose, shallowRef, watch } from 'vue';
import { type ApiError, api } from '@/core/api';
import { instructions } from '@/core/instructions';
import type { Classes, Deployment, LayerGroup } from '@/core/model';
import { createOutbox, type Outbox } from '@/core/outbox/outbox';
import { type Draft, type Item, openStore, type Store } from '@/core/outbox/store';
import { serverWire } from '@/core/outbox/wire';
import { refusal } from '@/core/refusal';
import { useResource } from '@/core/resource';
import { openStream, type Stream } from '@/core/stream';
import { createWords } from '@/core/words';
import { type Account, account } from './account';
import { knownPosition, type Position } from './position';
import type { Router } from './route';
import type { Settings } from './settings';
import { useShell } from './shell';
import { work } from './work';

/** What was sent longer ago than a shift is forgotten. */
const SHIFT = 12 * 3_600_000;
const TASKS_EVERY = 30_000;
/** The estimate moves slowly; the day and the signals change by the clock. */
const LOOK_EVERY = 300_000;
const MOST_GRIDS = 20;
/** How often a shared position is told while the page is looked at. */
const SHARE_EVERY = 5 * 60_000;

/** All that the pages of the field face share. */
export async function createField(router: Router, settings: Settings) {
  const store: Store = await openStore();
  const now = shallowRef(Date.now());
  const online = shallowRef(navigator.onLine);
  const me = shallowRef<Account | null>(null);
  const here = shallowRef<Position | null>(null);
  const drafts = shallowRef<readonly Draft[]>([]);

  const deployment = useResource<Deployment>(
    () => 'deployment',
    (_, ask) => api.deployment(ask),
  );
  const classes = useResource<Classes>(
    () => 'classes',
    (_, ask) => api.classes(ask),
  );
  const layers = useResource<LayerGroup[]>(
    () => (router.route.value.page === 'map' ? 'layers' : ''),
    (_, ask) => api.layers(ask),
  );
  const tasks = useResource(
    () => 'tasks',
    (_, ask) => work.tasks(ask),
    { gather: 1000 },
  );
  const look = useResource(
    () => `look/${settings.grids.value.map((g) => g.code).join()}`,
    (key, ask) => api.riskToday(key.slice('look/'.length).split(',').filter(Boolean).slice(0, MOST_GRIDS), ask),
  );
  const told = useResource(
    () => 'instructions',
    (_, ask) => instructions.mine(ask),
    { gather: 300 },
  );
  const words = createWords(
    settings.lang,
    () => deployment.data.value?.zone ?? 'Asia/Shanghai',
    () => deployment.data.value?.threshold ?? 10,
  );
  const outbox: Outbox = createOutbox({ store, wire: serverWire, owner: () => account.known() });

  const network = () => {
    online.value = navigator.onLine;
    if (!online.value) return;
    for (const r of [deployment, classes, tasks, told, look]) if (r.error.value) r.refresh();
    void outbox.kick();
  };
  addEventListener('online', network);
  addEventListener('offline', network);
  const shown = () => {
    if (document.visibilityState !== 'visible') return;
    tasks.refresh();
    told.refresh();
    look.refresh();
    void outbox.kick();
  };
  document.addEventListener('visibilitychange', shown);
  const ticks = [
    setInterval(() => {
      now.value = Date.now();
    }, 10_000),
    setInterval(() => {
      if (document.visibilityState !== 'visible') return;
      tasks.refresh();
      told.refresh();
    }, TASKS_EVERY),
    setInterval(() => document.visibilityState === 'visible' && look.refresh(), LOOK_EVERY),
  ];
  /** Tells where the phone is, of who shares it this shift; without leave or network the last one stays. */
  async function tellWhere() {
    const on = settings.shares.value && tasks.data.value?.worker?.onDuty;
    if (!on || document.visibilityState !== 'visible' || !navigator.onLine) return;
    const at = await knownPosition();
    if (at && settings.shares.value) await work.duty(true, true, at).catch(() => undefined);
  }
  ticks.push(setInterval(() => void tellWhere(), SHARE_EVERY));
  const stopSent = outbox.onSent((item) => {
    if (item.kind === 'step') tasks.refresh();
    if (item.kind === 'read') told.refresh();
  });

  // Changes come as they happen while the page is open; the phone asks by itself every half minute besides.
  const listeners = new Set<(id: number) => void>();
  let stream: Stream | null = null;
  watch(deployment.data, (d) => {
    if (!d || stream) return;
    stream = openStream({
      after: d.position,
      onChange: (c) => {
        if (c.kind === 'instruction') told.refresh(c.position);
        if (c.kind !== 'event') return;
        tasks.refresh(c.position);
        if (c.id !== null) for (const listen of listeners) listen(c.id);
      },
      onReset: () => {
        tasks.refresh();
        told.refresh();
      },
    });
  });

  onScopeDispose(() => {
    removeEventListener('online', network);
    removeEventListener('offline', network);
    document.removeEventListener('visibilitychange', shown);
    ticks.forEach(clearInterval);
    stopSent();
    stream?.close();
    outbox.close();
    store.close();
  });

  const mine = (i: { owner: string }) => i.owner === account.known() || i.owner === '';
  const unsent = computed(() => outbox.items.value.filter((i) => mine(i) && i.state !== 'sent'));
  const readDrafts = async () => {
    drafts.value = (await store.drafts()).filter(mine);
  };

  await store.sweep(Date.now() - SHIFT);
  await Promise.all([outbox.refresh(), readDrafts()]);
  void account.read().then((a) => {
    me.value = a;
    void readDrafts();
    void outbox.kick();
  });
  void knownPosition().then((p) => {
    here.value = p;
  });

  return {
    router,
    settings,
    words,
    store,
    outbox,
    drafts,
    readDrafts,
    now,
    online,
    me,
    here,
    deployment,
    classes,
    layers,
    tasks,
    instructions: told,
    look,
    shell: useShell(),
    unsent,
    /** Steps of an event that this phone has taken in this shift, sent or waiting, oldest first. */
    takenOf: (event: number): Item[] =>
      outbox.items.value.filter((i) => mine(i) && i.kind === 'step' && i.event === event && i.state !== 'refused'),
    onEvent(listen: (id: number) => void) {
      listeners.add(listen);
      onScopeDispose(() => listeners.delete(listen));
    },
    category: (code: string) => classes.data.value?.classes.find((c) => c.kind === 'event' && c.code === code),
    itemOf: (code: string | null) => classes.data.value?.items.find((i) => i.code === code),
    explain(error: ApiError | null): string {
      if (!error) return '';
      if (error.code === 'network') return words.t('field.net.offline');
      return refusal(words.t, words.lang.value, error);
    },
  };
}

export type Field = Awaited<ReturnType<typeof createField>>;
export const FIELD: InjectionKey<Field> = Symbol('field');

export function useField(): Field {
  const field = inject(FIELD);
  if (!field) throw new Error('no field provided');
  return field;
}
