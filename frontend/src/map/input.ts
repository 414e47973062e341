import type { Lang } from '@/core/i18n';
import type { ClassDef, LayerDef } from '@/core/model';
import type { Theme } from '@/core/url';
import type { AlertShape } from './alerts';

/** A thematic layer that is on. */
export interface ActiveLayer {
  def: LayerDef;
  /** 0 … 1 */
  opacity: number;
}

/** All that the map's look depends on. */
export interface StyleInput {
  /** Where tiles come from: the page's own origin. */
  origin: string;
  theme: Theme;
  lang: Lang;
  /** Bottom first. */
  layers: readonly ActiveLayer[];
  /** Classes of sites and categories of events, for layers that hold several. */
  classes: readonly ClassDef[];
  selected: { code: string; level: number } | null;
  /** Child places whose figure may not be told: hatched. */
  hatched: readonly string[];
  /** Alerts that hold, the gravest first. */
  alerts: readonly AlertShape[];
  /** Text size relative to the normal one; walls are read from afar. */
  scale: number;
}

export const PLACES = 'places';

/** The source of a thematic layer; one each, so that a toggle loads no other layer's tiles again. */
export const sourceOf = (code: string): string => `layer/${code}`;
