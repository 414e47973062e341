import { newKey } from '../key';
import type { Role, StoredPhoto } from './store';

/** The longer side of what is sent: enough to read a number plate, and 300 kB rather than 8 MB. */
const SIDE = 1920;
const QUALITY = 0.82;

/** The file is no picture that this phone can open. */
export class NotAPicture extends Error {
  constructor() {
    super('not a picture');
    this.name = 'NotAPicture';
  }
}

/**
 * Draws a picture from the camera or the gallery anew as a small upright JPEG. What the file holds beside the picture,
 * such as where it was taken, stays behind.
 */
export async function shrink(file: Blob, role: Role, now = Date.now): Promise<StoredPhoto> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    throw new NotAPicture();
  }
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const g = canvas.getContext('2d');
  if (!g) throw new NotAPicture();
  g.fillStyle = '#fff';
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
  if (!blob) throw new NotAPicture();
  return { id: newKey(), role, takenAt: new Date(now()).toISOString(), bytes: await blob.arrayBuffer() };
}
