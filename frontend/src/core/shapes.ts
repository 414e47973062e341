/**
 * Outlines of the marks by which layers and classes are told apart besides their colour: SVG path data in a box of
 * 24 × 24, drawn alike in the page and on the map.
 */
const SHAPES: Readonly<Record<string, string>> = {
  circle: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z',
  square: 'M4.5 4.5h15v15h-15z',
  triangle: 'M12 3L22 20.5H2z',
  triangle_down: 'M12 21L2 3.5h20z',
  diamond: 'M12 2L22 12L12 22L2 12z',
  star: 'M12 1.8l3 7.2 7.7.6-5.9 5 1.9 7.6L12 18.1l-6.7 4.1 1.9-7.6-5.9-5 7.7-.6z',
  plus: 'M9 3h6v6h6v6h-6v6H9v-6H3V9h6z',
  cross: 'M7.2 3L12 7.8 16.8 3 21 7.2 16.2 12 21 16.8 16.8 21 12 16.2 7.2 21 3 16.8 7.8 12 3 7.2z',
  hexagon: 'M7 3.3h10L22 12l-5 8.7H7L2 12z',
  pentagon: 'M12 2l10 7.3-3.8 11.7H5.8L2 9.3z',
  octagon: 'M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8z',
  ring: 'M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20zM12 7.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9z',
  heart: 'M12 21.5C4 15.5 1.5 11.5 2.5 7.5 3.6 3.3 9.3 2.5 12 7c2.7-4.5 8.4-3.7 9.5.5 1 4-1.5 8-9.5 14z',
  drop: 'M12 1.8c4.5 5.7 7 9.3 7 12.7a7 7 0 0 1-14 0c0-3.4 2.5-7 7-12.7z',
  shield: 'M12 2l8.5 3v6.5c0 5-3.5 8.5-8.5 10.5-5-2-8.5-5.5-8.5-10.5V5z',
  flag: 'M4 2h3v1.5h14l-3.5 5 3.5 5H7V22H4z',
  house: 'M12 2.5L22 11h-3v10h-5v-6h-4v6H5V11H2z',
  bolt: 'M14 1.5L4 13.5h6.5L9 22.5 20 9.5h-7z',
  pin: 'M12 22.5C7 16.5 4.5 13 4.5 9.5a7.5 7.5 0 0 1 15 0c0 3.5-2.5 7-7.5 13z',
};

/** Names that other catalogues use for the same outlines. */
const ALIASES: Readonly<Record<string, string>> = {
  dot: 'circle',
  rect: 'square',
  rectangle: 'square',
  'triangle-down': 'triangle_down',
  inverted_triangle: 'triangle_down',
  x: 'cross',
  rhombus: 'diamond',
  home: 'house',
  donut: 'ring',
  droplet: 'drop',
};

export const SHAPE_NAMES: readonly string[] = Object.keys(SHAPES);

/** Path data of a shape; a circle for a name that is not known. */
export function shapePath(name: string): string {
  return SHAPES[name] ?? SHAPES[ALIASES[name] ?? 'circle'] ?? '';
}
