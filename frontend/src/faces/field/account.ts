import { ApiError, get } from '@/core/api';
import type { Named } from '@/core/model';
import { forgetStore } from '@/core/outbox/store';

/** Who uses the phone. */
export interface Account extends Named {
  actor: string;
}

const KEY = 'field.actor';
let actor = readKey();

function readKey(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

export const account = {
  /** The account that was last signed in on this phone: an opaque code; '' before the first. */
  known: () => actor,
  /** Asks the server; null when it cannot be reached. */
  async read(): Promise<Account | null> {
    let me: Account | null = null;
    try {
      me = await get<Account>('/api/me', {});
      actor = me.actor;
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.status !== 404) return null;
      actor = 'loopback'; // a server without accounts
    }
    try {
      localStorage.setItem(KEY, actor);
    } catch {
      // No space: it is asked again next time.
    }
    return me;
  },
  /** Ends the session and forgets all that the phone holds of it. */
  async signOut(): Promise<void> {
    try {
      await fetch('/api/sign-out', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
    } catch {
      // Without a network the session ends by its own clock.
    }
    localStorage.removeItem(KEY);
    for (const name of await caches.keys()) if (name.startsWith('field-kept')) await caches.delete(name);
    await forgetStore();
  },
};
