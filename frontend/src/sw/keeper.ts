export interface Files {
  version: string;
  shell: string[];
  map: string[];
}

/** Caches: files of the build by its version; what is the reader's, removed when they sign out. */
const FILES = 'field-files-';
export const TILES = 'field-kept-tiles';
export const ANSWERS = 'field-kept-answers';

/** Most entries of each; the oldest go first. A tile is at most 64 KiB. */
const MOST: Readonly<Record<string, number>> = { [TILES]: 1500, [ANSWERS]: 300 };
/** How long the network may take before what is kept is shown. */
const PATIENCE = 5000;

/** Answers of the API that the pages need without a network. Never the stream, never what is written. */
const KEPT_ANSWERS =
  /^\/api\/(deployment|classes|layers|me|tasks|instructions\/mine|risk\/today|places(\/\d+)?|events\/\d+(\/photos)?|photos\/\d+\/small)$/;
const KEPT_TILES = /^\/tiles\/(base|places)(\.json|\/\d+\/\d+\/\d+\.mvt)$/;

type Fetch = (input: RequestInfo, init?: RequestInit) => Promise<Response>;

/** What the service worker does, apart from the worker itself. */
export function createKeeper(files: Files, caches: CacheStorage, fetch: Fetch) {
  const mine = FILES + files.version;
  const PAGE = '/field';

  /** All of the shell or nothing: half a page is worse than the one of before. */
  async function install() {
    const cache = await caches.open(mine);
    const page = await fetch(PAGE, { cache: 'reload', headers: { accept: 'text/html' } });
    const text = await page.clone().text();
    const entry = files.shell.find((f) => f.startsWith('/assets/index-') && f.endsWith('.js'));
    // While the server is being replaced the page may be of another build than this worker.
    if (!page.ok || (entry && !text.includes(entry))) throw new Error('the page is not of this build');
    await cache.addAll(files.shell);
    await cache.put(PAGE, page);
  }

  async function activate() {
    for (const name of await caches.keys()) if (name.startsWith(FILES) && name !== mine) await caches.delete(name);
  }

  async function keepMap() {
    const cache = await caches.open(mine);
    for (const file of files.map) if (!(await cache.match(file))) await cache.add(file);
  }

  async function fromFiles(request: Request | string, else_: () => Promise<Response>) {
    const cache = await caches.open(mine);
    return (await cache.match(request)) ?? else_();
  }

  /** The network's answer; what is kept when it gives none in time. */
  async function newest(request: Request, name: string, later: (work: Promise<unknown>) => void): Promise<Response> {
    const cache = await caches.open(name);
    const kept = await cache.match(request);
    const asked = fetch(request).then(async (answer) => {
      if (answer.status === 200 || answer.status === 204) {
        const copy = answer.clone();
        later(keep(cache, name, request, copy));
      }
      return answer;
    });
    if (!kept) return asked;
    const late = new Promise<Response>((resolve) => setTimeout(() => resolve(kept), PATIENCE));
    const fallen = asked.then((answer) => (answer.status >= 500 ? kept : answer)).catch(() => kept);
    later(fallen);
    return Promise.race([fallen, late]);
  }

  async function keep(cache: Cache, name: string, request: Request, answer: Response) {
    try {
      // Put anew it is the youngest again.
      await cache.delete(request);
      await cache.put(request, answer);
      const keys = await cache.keys();
      const over = keys.length - (MOST[name] ?? 0);
      for (const old of over > 0 ? keys.slice(0, over + 20) : []) await cache.delete(old);
    } catch {
      // No space: it is fetched again when there is a network.
    }
  }

  return {
    install,
    activate,
    keepMap,
    /** How to answer a request; undefined: as if there were no worker. */
    answer(request: Request, later: (work: Promise<unknown>) => void): Promise<Response> | undefined {
      const url = new URL(request.url);
      if (request.method !== 'GET' || url.origin !== self.location.origin) return undefined;
      if (request.mode === 'navigate') {
        if (url.pathname !== PAGE && !url.pathname.startsWith(`${PAGE}/`)) return undefined;
        return fromFiles(PAGE, () => fetch(request));
      }
      if (url.pathname.startsWith('/assets/') || files.shell.includes(url.pathname)) {
        return fromFiles(request, () => fetch(request));
      }
      if (KEPT_TILES.test(url.pathname)) return newest(request, TILES, later);
      if (KEPT_ANSWERS.test(url.pathname)) return newest(request, ANSWERS, later);
      return undefined;
    },
  };
}
