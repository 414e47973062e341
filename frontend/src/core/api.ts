import { attendance } from './attended';
import type {
  Alert,
  AlertList,
  AreaCounts,
  CitizenRating,
  Classes,
  Deployment,
  EventDetail,
  EventPage,
  Figures,
  Following,
  LayerGroup,
  LonLat,
  Me,
  Photo,
  PlaceHit,
  PlaceRef,
  PlaceView,
  ProviderReturn,
  Session,
  SignInWays,
  SiteDetail,
  Source,
} from './model';
import type { RiskExplanation, RiskFilm, RiskSignals, RiskTest, RiskToday, RiskView } from './risk';

/** Why a request gave nothing; `code` is the server's, or "network" when it could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
    /** Milliseconds after which the server asks to be tried again; 0: it does not say. */
    readonly retryAfter: number,
    /** The field of the request that is meant: place, reason …; empty: none. */
    readonly field = '',
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Whether the same request may succeed later without anybody doing anything. */
  get passing(): boolean {
    return this.code === 'network' || this.status === 503 || this.status === 502 || this.status === 504;
  }
}

export interface Ask {
  signal?: AbortSignal;
  /** Answer only from a state that includes this position. */
  min?: string;
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** Reads JSON of the API; seen is told of the answer's headers. */
export async function get<T>(path: string, ask: Ask, query: Query = {}, seen?: (r: Response) => void): Promise<T> {
  const search = new URLSearchParams();
  for (const [k, v] of Object.entries(query)) if (v !== undefined) search.set(k, String(v));
  return read<T>(search.size ? `${path}?${search}` : path, ask, {}, seen);
}

/** Reads JSON with a request of any kind; an ApiError tells why there is none. */
export async function read<T>(url: string, ask: Ask, more: RequestInit, seen?: (r: Response) => void): Promise<T> {
  const headers: Record<string, string> = {
    accept: 'application/json',
    ...attendance(),
    ...(more.headers as Record<string, string>),
  };
  if (more.body) headers['content-type'] ??= 'application/json';
  if (ask.min) headers['x-min-position'] = ask.min;
  let response: Response;
  try {
    response = await fetch(url, { ...more, headers, signal: ask.signal ?? null });
  } catch (cause) {
    if (ask.signal?.aborted) throw cause;
    throw new ApiError('network', 0, '', 0);
  }
  if (response.status === 401 && !url.startsWith(SIGN_IN)) leaveForSignIn();
  if (!response.ok) throw await problem(response);
  seen?.(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const SIGN_IN = '/api/sign-in';

/** Where somebody goes who is not signed in; from there the way leads back to this view. */
export function signInAddress(here: string): string {
  return here.startsWith('/sign-in') ? '/sign-in' : `/sign-in?${new URLSearchParams({ to: here })}`;
}

/** Ends the session and goes where one signs in; from there the way leads back to this view. */
export async function signOut() {
  await api.signOut().catch(() => undefined);
  leaveForSignIn();
}

let leaving = false;

/** Leaves once: when a session ends, several answers say so, and a second departure would break off the first. */
function leaveForSignIn() {
  if (leaving || location.pathname.startsWith('/sign-in')) return;
  leaving = true;
  addEventListener('pageshow', () => (leaving = false), { once: true }); // the way back may bring this page as it was left
  location.assign(signInAddress(location.pathname + location.search));
}

const post = <T>(path: string, body: unknown) => read<T>(path, {}, { method: 'POST', body: JSON.stringify(body) });

/** The error that an answer tells of. */
export async function problem(response: Response): Promise<ApiError> {
  let body: { code?: string; detail?: string; errors?: { location?: string }[] } = {};
  try {
    body = (await response.json()) as typeof body;
  } catch {
    // Not a problem document (a proxy's page): the status says enough.
  }
  const after = Number(response.headers.get('retry-after'));
  const code = body.code ?? (response.status === 404 ? 'not_found' : String(response.status));
  const field = body.errors?.[0]?.location?.split('.').pop() ?? '';
  return new ApiError(code, response.status, body.detail ?? '', Number.isFinite(after) ? after * 1000 : 0, field);
}

export const api = {
  me: (ask: Ask = {}) => get<Me>('/api/me', ask),
  signInWays: (ask: Ask = {}) => get<SignInWays>(SIGN_IN, ask),
  signIn: (name: string, password: string) => post<void>(SIGN_IN, { name, password }),
  /** Sets out to the sign-in provider: gives its page's address. */
  providerBegin: (to: string) => post<{ address: string }>(`${SIGN_IN}/provider`, { to }),
  /** Signs in with what the provider's page sent back; gives the view to go on to. */
  providerReturn: (came: ProviderReturn) => post<{ to: string }>(`${SIGN_IN}/provider/return`, came),
  signOut: () => post<void>('/api/sign-out', {}),
  mySessions: async (ask: Ask = {}) => (await get<{ sessions: Session[] }>('/api/me/sessions', ask)).sessions,
  endMySession: (session: number) => post<void>(`/api/me/sessions/${session}/end`, {}),
  endMyOtherSessions: () => post<void>('/api/me/sessions/end', {}),
  linkOwner: (token: string) => post<{ name: string }>(`${SIGN_IN}/link/look`, { token }),
  useLink: (token: string, password: string) => post<void>(`${SIGN_IN}/link`, { token, password }),
  risk: (place: string, category: string, horizon: number, ask: Ask = {}) =>
    get<RiskView>('/api/risk', ask, { place, category, horizon }),
  riskOf: (place: string, category: string, horizon: number, ask: Ask = {}) =>
    get<RiskExplanation>(`/api/risk/${place}`, ask, { category, horizon }),
  riskFilm: (place: string, category: string, horizon: number, ask: Ask = {}) =>
    get<RiskFilm>('/api/risk/film', ask, { place, category, horizon }),
  signals: (place: string, ask: Ask = {}) => get<RiskSignals>('/api/risk/signals', ask, { place }),
  /** What to look at today in those places; none: in the account's own. */
  riskToday: (places: readonly string[], ask: Ask = {}) =>
    get<RiskToday>('/api/risk/today', ask, { places: places.join() }),
  object: (place: string, category: string, horizon: number, reason: string, ask: Ask = {}) =>
    read<{ id: number; position: string }>(`/api/risk/${place}/objections`, ask, {
      method: 'POST',
      body: JSON.stringify({ category, horizon, reason }),
    }),
  backtests: async (ask: Ask = {}) => (await get<{ tests: RiskTest[] }>('/api/risk/backtests', ask)).tests,
  backtest: (id: number, ask: Ask = {}) => get<RiskTest>(`/api/risk/backtests/${id}`, ask),
  deployment: (ask: Ask = {}) => get<Deployment>('/api/deployment', ask),
  place: (code: string, ask: Ask = {}) => get<PlaceView>(`/api/places/${code}`, ask),
  search: async (q: string, limit: number, ask: Ask = {}) =>
    (await get<{ places: PlaceHit[] }>('/api/places', ask, { q, limit })).places,
  /** At a moment (momentText): of the events then. */
  figures: (code: string, ask: Ask = {}, at?: string) => get<Figures>(`/api/places/${code}/figures`, ask, { at }),
  /** The places at a location, from the root down; empty outside of all. */
  placesAt: async (lon: number, lat: number, ask: Ask = {}) =>
    (await get<{ path: PlaceRef[] }>('/api/places', ask, { at: `${lon},${lat}` })).path,
  layers: async (ask: Ask = {}) => (await get<{ groups: LayerGroup[] }>('/api/layers', ask)).groups,
  classes: (ask: Ask = {}) => get<Classes>('/api/classes', ask),
  sources: async (ask: Ask = {}) => (await get<{ sources: Source[] }>('/api/sources', ask)).sources,
  events: (place: string, status: string, limit: number, before: string | undefined, ask: Ask = {}, at?: string) =>
    get<EventPage>('/api/events', ask, { place, status, limit, before, at }),
  photos: async (event: number, ask: Ask = {}) =>
    (await get<{ photos: Photo[] }>(`/api/events/${event}/photos`, ask)).photos,
  /** How the citizen found the handling; null: there is no citizen, or no word yet. */
  rating: async (event: number, ask: Ask = {}) =>
    (await get<{ rating: CitizenRating | null }>(`/api/events/${event}/rating`, ask)).rating,
  event: (id: number, ask: Ask = {}) => get<EventDetail>(`/api/events/${id}`, ask),
  alerts: (place: string, ask: Ask = {}) => get<AlertList>('/api/alerts', ask, { place }),
  alert: (id: number, ask: Ask = {}) => get<Alert>(`/api/alerts/${id}`, ask),
  site: (id: number, ask: Ask = {}) => get<SiteDetail>(`/api/sites/${id}`, ask),
  /** Number and code travel in the body: addresses are written into logs. */
  follow: (slip: { number: number; code: string }) => post<Following>('/api/follow', slip),
  rate: (rating: { number: number; code: string; stars: number; words: string }) =>
    post<{ status: string }>('/api/follow/rating', rating),
  /** Counts in the area whose corners are given, of all kinds and of the layers. */
  count: (corners: readonly LonLat[], layers: readonly string[], ask: Ask = {}) => {
    const area = { type: 'Polygon', coordinates: [[...corners, corners[0]]] };
    return read<AreaCounts>('/api/count', ask, { method: 'POST', body: JSON.stringify({ area, layers }) });
  },
};
