import { onScopeDispose, type Ref, shallowRef } from 'vue';

export type Route =
  | { page: 'today' }
  | { page: 'map'; lon: number | null; lat: number | null }
  | { page: 'report'; draft: string }
  | { page: 'me' }
  | { page: 'task'; id: number };

export const TABS = ['today', 'map', 'report', 'me'] as const;

/** The page of an address; what it does not know is today's. */
export function parseRoute(path: string, query: string): Route {
  const [, , page = '', rest = ''] = path.split('/');
  if (page === 'map') {
    const at = /^(-?\d{1,3}\.\d+),(-?\d{1,2}\.\d+)$/.exec(new URLSearchParams(query).get('at') ?? '');
    return { page, lon: at ? Number(at[1]) : null, lat: at ? Number(at[2]) : null };
  }
  if (page === 'report') return { page, draft: /^[0-9a-f]{32}$/.test(rest) ? rest : '' };
  if (page === 'me') return { page };
  if (page === 'task' && /^\d{1,15}$/.test(rest)) return { page, id: Number(rest) };
  return { page: 'today' };
}

export function pathOf(route: Route): string {
  switch (route.page) {
    case 'today':
      return '/field';
    case 'map':
      return route.lon === null ? '/field/map' : `/field/map?at=${route.lon.toFixed(5)},${route.lat?.toFixed(5)}`;
    case 'report':
      return route.draft ? `/field/report/${route.draft}` : '/field/report';
    case 'me':
      return '/field/me';
    case 'task':
      return `/field/task/${route.id}`;
  }
}

export interface Router {
  readonly route: Ref<Route>;
  go(route: Route, how?: 'push' | 'replace'): void;
  back(): void;
}

/** The face's own pages, bound to the address bar. */
export function useRouter(): Router {
  const route = shallowRef<Route>(parseRoute(location.pathname, location.search));
  let depth = 0;
  const read = () => {
    depth = Math.max(0, depth - 1);
    route.value = parseRoute(location.pathname, location.search);
  };
  addEventListener('popstate', read);
  onScopeDispose(() => removeEventListener('popstate', read));
  return {
    route,
    go(to, how = 'push') {
      if (how === 'push') {
        history.pushState(null, '', pathOf(to));
        depth++;
      } else history.replaceState(null, '', pathOf(to));
      route.value = to;
    },
    /** Where the reader came from, or today's page for one who came by a link. */
    back() {
      if (depth > 0) history.back();
      else this.go({ page: 'today' }, 'replace');
    },
  };
}
