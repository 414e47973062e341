import { describe, expect, test } from 'vitest';
import { faceOf } from '@/faces/faces';
import { destination } from '@/faces/sign-in/destination';

const face = () => Promise.reject(new Error('not loaded here'));
const faces = { command: face, field: () => face() };

describe('the way back from signing in', () => {
  for (const [to, leads] of [
    ['/command?place=990101000000', '/command?place=990101000000'],
    ['/field', '/field'],
    [null, '/'],
    ['', '/'],
    ['https://evil.example/', '/'],
    ['//evil.example/', '/'],
    ['/\\evil.example/', '/'],
    ['/\t/evil.example/', '/'],
    ['javascript:alert(1)', '/'],
    ['/sign-in?to=/sign-in', '/'],
  ] as const) {
    test(String(to), () => expect(destination(to, 'https://one.example')).toBe(leads));
  }
});

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
