import type { Component } from 'vue';

/** A face is a page of its own, loaded only when its address is opened: a phone never loads the command screen. */
type Face = () => Promise<{ default: Component }>;

/** The faces by the first part of their address; the first is what "/" opens. */
export const FACES: Readonly<Record<string, Face>> = {
  command: () => import('./command/CommandFace.vue'),
  field: () => import('./field/FieldFace.vue'),
  'sign-in': () => import('./sign-in/SignInFace.vue'),
  ui: () => import('./ui/UiFace.vue'),
  follow: () => import('./follow/FollowFace.vue'),
  desk: () => import('./desk/DeskFace.vue'),
};

/** The face of an address; undefined when there is none. */
export function faceOf(path: string, faces = FACES): Face | undefined {
  const name = path.split('/')[1] ?? '';
  return Object.hasOwn(faces, name) ? faces[name] : name === '' ? Object.values(faces)[0] : undefined;
}
