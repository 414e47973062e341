/** Number of classes of the colour ramp. */
export const CLASSES = 7;

export interface Choropleth {
  /** Class 0 … CLASSES-1 of each place that has a figure. */
  classes: ReadonlyMap<string, number>;
  /** Places whose figure may not be told. */
  hatched: readonly string[];
  /** The least figure of each class from 1 on; equal to CLASSES - 1 numbers, or none when there are no figures. */
  breaks: readonly number[];
  least: number;
  most: number;
}

/**
 * Sorts figures into classes of equally many places (quantiles); equal figures fall into one class. Zero is always the
 * lowest class, so that "nothing happened" never looks like something.
 */
export function classify(figures: ReadonlyMap<string, number | null>): Choropleth {
  const hatched: string[] = [];
  const told: number[] = [];
  for (const [code, n] of figures) {
    if (n === null) hatched.push(code);
    else told.push(n);
  }
  told.sort((a, b) => a - b);
  const some = told.filter((n) => n > 0);
  const breaks: number[] = [];
  if (some.length > 0) {
    for (let i = 1; i < CLASSES; i++) breaks.push(some[Math.floor((i * some.length) / CLASSES)] ?? 0);
  }
  const classes = new Map<string, number>();
  for (const [code, n] of figures) {
    if (n !== null) classes.set(code, n > 0 ? breaks.filter((b) => n >= b && b > (some[0] ?? 0)).length : 0);
  }
  return { classes, hatched, breaks, least: told[0] ?? 0, most: told[told.length - 1] ?? 0 };
}
