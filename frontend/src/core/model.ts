import type { EventLife } from './hub';

/** The nouns of the server's API as the page uses them. Times are RFC 3339 in UTC, positions decimal strings. */

/** [west, south, east, north] in degrees, WGS 84. */
export type Bounds = readonly [number, number, number, number];
export type LonLat = readonly [number, number];

/** A count, or null when it may not be told (fewer people than the deployment's threshold). */
export type Count = number | null;

export type Kind = 'person' | 'site' | 'event' | 'place';

export interface Named {
  name: string;
  nameEn: string;
}

export interface Deployment extends Named {
  zone: string;
  synthetic: boolean;
  version: string;
  roots: string[];
  home: string;
  bounds: number[] | null;
  access: string;
  threshold: number;
  position: string;
  asOf: string;
  statuses: string[];
  channels: string[];
}

export interface PlaceRef extends Named {
  code: string;
  level: number;
  label: number[] | null;
  bounds: number[] | null;
  areaKm2?: number | null;
}

export interface PlaceView {
  place: PlaceRef;
  path: PlaceRef[];
  children: PlaceRef[];
}

export interface PlaceHit extends PlaceRef {
  path: string;
}

export interface ChildFigures {
  code: string;
  /** The reader may count something there; else the zeros say nothing. */
  reach: boolean;
  person: Count;
  site: Count;
  event: Count;
  today: number;
  open: number;
  overdue: number;
}

export interface Figures {
  code: string;
  position: string;
  asOf: string;
  threshold: number;
  /** The reader may count something there; else the zeros say nothing. */
  reach: boolean;
  totals: { person: Count; site: Count; event: Count };
  layers: { code: string; count: Count }[];
  classes: { kind: string; code: string; count: Count }[];
  events: { today: number; open: number; overdue: number; closed30d: number; closedInTime30d: number };
  hours: { at: string; count: number }[];
  days: { date: string; count: number }[];
  children: ChildFigures[];
}

/** What lies in an area, at one position. */
export interface AreaCounts {
  position: string;
  asOf: string;
  threshold: number;
  areaKm2: number;
  kinds: {
    kind: string;
    count: Count;
    /** A sum of released numbers of the places whose label lies in the area; else the number is exact. */
    rounded: boolean;
    /** Of events; null for other kinds. */
    open: Count;
    overdue: Count;
  }[];
  layers: { code: string; count: Count }[];
}

export interface SourceRef extends Named {
  code: string;
  late: boolean;
  lastAt: string | null;
}

export interface LayerDef extends Named {
  code: string;
  kind: Kind;
  color: string;
  shape: string;
  minZoom: number;
  visible: boolean;
  filter: string;
  owner: Named | null;
  source: SourceRef | null;
}

export interface LayerGroup extends Named {
  layers: LayerDef[];
}

export interface ClassDef extends Named {
  kind: string;
  code: string;
  group: string;
  color: string;
  shape: string;
}

export interface ItemDef extends Named {
  code: string;
  category: string;
  /** Syllables of the name: src/core/pinyin.ts. */
  pinyin: string;
  subclass: string;
  level: number;
  deadlineHours: number;
  department: Named | null;
  /** What its events must bring beside the usual, as step.input. */
  requires: string[];
  /** That the feedback needs at least. */
  photos: number;
}

export interface Classes {
  classes: ClassDef[];
  items: ItemDef[];
}

export interface Source extends Named {
  code: string;
  department: Named | null;
  kind: string;
  cadenceSeconds: number | null;
  lastAt: string | null;
  late: boolean;
  synthetic: boolean;
}

export interface EventSummary {
  id: number;
  title: string;
  category: string;
  item: string | null;
  /** 1 gravest … 4 slight. */
  level: number;
  status: string;
  channel: string;
  reportedAt: string;
  dueAt: string | null;
  closedAt: string | null;
  overdue: boolean;
  lon: number;
  lat: number;
  place: PlaceRef | null;
  placePath: string;
  placePathEn: string;
  /** Of the state; a step names the one that its doer saw. */
  version: number;
}

export interface EventDetail extends EventSummary, EventLife {
  description: string;
  address: string | null;
  attributes: Record<string, unknown>;
  source: Named;
  itemName: string | null;
  itemNameEn: string | null;
  department: Named | null;
  steps: string[];
  position: string;
}

export interface EventPage {
  events: EventSummary[];
  next: string | null;
  position: string;
  asOf: string;
}

export interface SiteDetail {
  id: number;
  name: string;
  class: string;
  className: string;
  classNameEn: string;
  status: string;
  address: string | null;
  attributes: Record<string, unknown>;
  lon: number;
  lat: number;
  place: PlaceRef | null;
  placePath: string;
  placePathEn: string;
  source: Named;
  updatedAt: string;
  position: string;
}

/** A CAP alert; its codes are CAP's own words. */
export interface Alert {
  id: number;
  sender: string;
  identifier: string;
  sent: string;
  status: string;
  type: string;
  severity: string;
  beginsAt: string;
  endsAt: string | null;
  endedAt: string | null;
  holds: boolean;
  signed: boolean;
  infos: AlertInfo[];
  areas: AlertArea[];
  places: (Named & { code: string; level: number; whole: boolean })[];
  placeCount: number;
}

/** A part of an alert: one language, one stage of the hazard. */
export interface AlertInfo {
  language: string;
  event: string;
  responses: string[];
  urgency: string;
  severity: string;
  certainty: string;
  onset: string | null;
  expires: string | null;
  senderName: string;
  headline: string;
  description: string;
  instruction: string;
  web: string;
  contact: string;
}

export interface AlertArea {
  /** Index of the part. */
  info: number;
  description: string;
  shape: { type: string; coordinates: unknown } | null;
  points: number[][];
}

export interface AlertList {
  alerts: Alert[];
  more: boolean;
  asOf: string;
}

/** How far a citizen's report is. */
export interface Following {
  number: number;
  itemName: string | null;
  itemNameEn: string | null;
  department: Named | null;
  status: string;
  reportedAt: string;
  dueAt: string | null;
  closedAt: string | null;
  steps: { step: string; at: string }[];
  ratable: boolean;
  rating: CitizenRating | null;
}

export interface CitizenRating {
  /** 1 bad … 5 good. */
  stars: number;
  words: string;
  at: string;
}

/** One committed change as the stream tells it. Of a person only the operation and the layers are told. */
export interface Change {
  position: string;
  at: string;
  kind: string;
  op: 'put' | 'delete' | 'batch';
  id: number | null;
  lon: number | null;
  lat: number | null;
  bounds: number[] | null;
  place: string | null;
  category?: string | null;
  class?: string | null;
  item?: string | null;
  status?: string | null;
  level?: number | null;
  layers: string[];
  count: number | null;
}

export interface RoleName extends Named {
  code: string;
  about: string;
  aboutEn: string;
}

/** How one can sign in. */
/** What the sign-in provider's page sends back in the address. */
export interface ProviderReturn {
  state: string;
  code: string | undefined;
  iss: string | undefined;
  error: string | undefined;
}

export interface SignInWays {
  provider: { title: string } | null;
  /** Sample accounts; null outside of demo mode. */
  demo: {
    password: string;
    accounts: (Named & { signInName: string; role: RoleName; place: PlaceRef | null; department: Named | null })[];
  } | null;
}

export type Seen = 'none' | 'counts' | 'records';

/** Who is signed in, and what they may see and do. */
export interface Me extends Named {
  actor: string;
  signInName: string;
  roles: { role: RoleName; place: PlaceRef | null; department: Named | null; from: string; until: string | null }[];
  rights: string[];
  words: { zh: string; en: string }[];
  threshold: number;
  sees: { person: Seen; site: Seen; event: Seen };
  since: string;
  ends: string;
  idleMinutes: number;
}

/** An open session of an account. */
export interface Session {
  id: number;
  method: 'password' | 'link' | 'oidc';
  network: string;
  agent: string;
  began: string;
  seen: string;
  until: string;
  current: boolean;
}

/** A stored picture of an event. */
export interface Photo {
  id: number;
  event: number;
  role: 'report' | 'before' | 'after';
  width: number;
  height: number;
  bytes: number;
  /** SHA-256, by which steps name it as evidence. */
  hash: string;
  takenAt: string | null;
  addedAt: string;
  /** Addresses of the picture, at most 1,600 and 320 pixels a side. */
  large: string;
  small: string;
}

/** How far a photo has come to the server. */
export interface PhotoUpload {
  upload: string;
  size: number;
  offset: number;
  photo: Photo | null;
}
