/** Number of classes of the colour ramp. */
export const CLASSES = 7;

export interface Choropleth {
  /** Class 0 … CLASSES-1 of each place that has a figure. */
  classes: ReadonlyMap<string, number>;
  /** Places whose figure may not be told. */
  hatched: readonly string[];
  least: number;
  most: number;
  /** The classes that places are in, lowest first, with their least and their greatest figure. */
  bins: readonly Bin[];
}

export interface Bin {
  /** Number of the class. */
  n: number;
  from: number;
  to: number;
}

/**
 * Sorts figures into classes of equally many places (quantiles); equal figures fall into one class. Where some figures
 * are zero the lowest class is theirs alone, so that "nothing happened" never looks like something.
 */
export function classify(figures: ReadonlyMap<string, number | null>): Choropleth {
  const hatched: string[] = [];
  const some: number[] = [];
  let zero = false;
  for (const [code, n] of figures) {
    if (n === null) hatched.push(code);
    else if (n > 0) some.push(n);
    else zero = true;
  }
  some.sort((a, b) => a - b);
  const first = zero ? 1 : 0;
  const classes = new Map<string, number>();
  for (const [code, n] of figures) {
    if (n === null) continue;
    const rank = some.indexOf(n) / some.length;
    classes.set(code, n > 0 ? first + Math.floor(rank * (CLASSES - first)) : 0);
  }
  const bins = binsOf(figures, classes);
  return { classes, hatched, least: zero ? 0 : (some[0] ?? 0), most: some[some.length - 1] ?? 0, bins };
}

function binsOf(figures: ReadonlyMap<string, number | null>, classes: ReadonlyMap<string, number>): Bin[] {
  const bins: Bin[] = [];
  for (const [code, n] of classes) {
    const figure = figures.get(code) ?? 0;
    const bin = bins[n];
    bins[n] = { n, from: Math.min(figure, bin?.from ?? figure), to: Math.max(figure, bin?.to ?? figure) };
  }
  return bins.filter((bin) => bin !== undefined);
}
