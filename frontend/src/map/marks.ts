import { shapePath } from '@/core/shapes';
import type { Theme } from '@/core/url';
import { SEVERITY_COLORS, type Severity } from './alerts';
import { palettes } from './palette';

/** The name of a mark's image says how to draw it, so that the style stays pure and images are drawn on demand. */
export const markImage = (shape: string, color: string, edge: string): string => `mark|${shape}|${color}|${edge}`;
export const hatchImage = (theme: Theme): string => `hatch|${theme}`;

const BOX = 24;
const EDGE = 3;
/** Device pixels per unit of the box: marks stay sharp up to icon-size 1.2 on dense screens. */
const RATIO = 2;

export interface Drawn {
  image: ImageData;
  pixelRatio: number;
}

/** Draws an image by its name; null for a name of somebody else. */
export function drawImage(name: string): Drawn | null {
  const [what, a = '', b = '', c = ''] = name.split('|');
  if (what === 'mark') return drawMark(a, b, c);
  if (what === 'hatch') return drawHatch(a === 'light' ? 'light' : 'dark');
  if (what === 'alert') return drawAlert(a as Severity, b === 'light' ? 'light' : 'dark');
  return null;
}

function surface(size: number): CanvasRenderingContext2D | null {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  return canvas.getContext('2d', { willReadFrequently: true });
}

function drawMark(shape: string, color: string, edge: string): Drawn | null {
  const size = (BOX + 2 * EDGE) * RATIO;
  const g = surface(size);
  if (!g) return null;
  g.scale(RATIO, RATIO);
  g.translate(EDGE, EDGE);
  const path = new Path2D(shapePath(shape));
  g.lineJoin = 'round';
  g.strokeStyle = edge;
  g.lineWidth = 2 * EDGE;
  g.stroke(path);
  g.fillStyle = color;
  g.fill(path);
  return { image: g.getImageData(0, 0, size, size), pixelRatio: RATIO };
}

function drawHatch(theme: Theme): Drawn | null {
  const size = 16;
  const g = surface(size);
  if (!g) return null;
  g.strokeStyle = palettes[theme].hatch;
  g.lineWidth = 2.4;
  for (const at of [-size, 0, size]) {
    g.moveTo(at - 2, size + 2);
    g.lineTo(at + size + 2, -2);
  }
  g.stroke();
  return { image: g.getImageData(0, 0, size, size), pixelRatio: 2 };
}

/** Strokes in a square of 24 units that repeats: the graver, the denser. */
const PATTERNS: Readonly<Record<Severity, (g: CanvasRenderingContext2D) => void>> = {
  Extreme: (g) => {
    slant(g, 12, 1);
    slant(g, 12, -1);
  },
  Severe: (g) => slant(g, 12, 1),
  Moderate: (g) => slant(g, 24, 1),
  Minor: (g) => dots(g, [6, 18]),
  Unknown: (g) => dots(g, [12]),
};
const TILE = 24;

function slant(g: CanvasRenderingContext2D, every: number, way: 1 | -1) {
  for (let at = -TILE; at <= 2 * TILE; at += every) {
    g.moveTo(at, way > 0 ? TILE + 2 : -2);
    g.lineTo(at + TILE + 4, way > 0 ? -2 : TILE + 2);
  }
  g.stroke();
}

function dots(g: CanvasRenderingContext2D, at: readonly number[]) {
  for (const x of at) {
    g.beginPath();
    g.arc(x, x, 2.6, 0, 2 * Math.PI);
    g.fill();
  }
}

function drawAlert(severity: Severity, theme: Theme): Drawn | null {
  const color = SEVERITY_COLORS[theme][severity];
  const g = color ? surface(TILE) : null;
  if (!g) return null;
  g.globalAlpha = 0.16;
  g.fillStyle = color;
  g.fillRect(0, 0, TILE, TILE);
  g.globalAlpha = 0.8;
  g.strokeStyle = color;
  g.lineWidth = 2;
  g.beginPath();
  PATTERNS[severity](g);
  return { image: g.getImageData(0, 0, TILE, TILE), pixelRatio: 2 };
}
