/**
 * Whether somebody is at the page. What a page asks by itself (its figures each minute, tiles that have changed) says so, and
 * does not keep a session open that nobody uses: see docs/sign-in.md.
 */

/** So long after a deed what the page asks counts as its reader's. Longer than the pause between two polls. */
const PRESENT = 90_000;
const DEEDS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const;

const unattended: Readonly<Record<string, string>> = { 'x-unattended': '1' };
const attended: Readonly<Record<string, string>> = {};

// The page was opened by somebody.
let last = Date.now();
for (const deed of DEEDS) {
  globalThis.addEventListener?.(
    deed,
    () => {
      last = Date.now();
    },
    { capture: true, passive: true },
  );
}

/** The headers that tell the server whether somebody is there. */
export function attendance(): Readonly<Record<string, string>> {
  return Date.now() - last < PRESENT ? attended : unattended;
}
