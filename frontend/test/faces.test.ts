import { describe, expect, test } from 'vitest';
import { faceOf } from '@/faces/faces';

const face = () => Promise.reject(new Error('not loaded here'));
const faces = { command: face, field: () => face() };

describe('the face of an address', () => {
  for (const [path, name] of [
    ['/', 'command'],
    ['/command', 'command'],
    ['/command/', 'command'],
    ['/field/report', 'field'],
    ['/fields', undefined],
    ['/constructor', undefined],
    ['/Command', undefined],
  ] as const) {
    test(path, () => expect(faceOf(path, faces)).toBe(name && faces[name]));
  }
});
