/// <reference lib="webworker" />
/**
 * The service worker of the field face: it opens the page without a network, keeps the map of the reader's grids and the
 * last answers to what the page asks, and nothing else. It never answers a write: the page's outbox does that.
 */
import { createKeeper } from './sw/keeper';

declare const self: ServiceWorkerGlobalScope;
/** The files of this build, filled in by the build: `shell` opens the face, `map` is fetched later. */
declare const __FILES__: { version: string; shell: string[]; map: string[] };

const keeper = createKeeper(__FILES__, caches, (input, init) => fetch(input, init));

self.addEventListener('install', (e) => e.waitUntil(keeper.install()));
self.addEventListener('activate', (e) => e.waitUntil(keeper.activate().then(() => self.clients.claim())));
self.addEventListener('message', (e) => {
  if (e.data === 'activate') e.waitUntil(self.skipWaiting());
  if (e.data === 'map') e.waitUntil(keeper.keepMap());
});
self.addEventListener('fetch', (e) => {
  const answer = keeper.answer(e.request, (work) => e.waitUntil(work));
  if (answer) e.respondWith(answer);
});
