import { shapePath } from '@/core/shapes';
import type { Theme } from '@/core/url';
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
