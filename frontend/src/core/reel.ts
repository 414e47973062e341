import { onScopeDispose, type Ref, shallowRef } from 'vue';

export interface Reel {
  readonly playing: Ref<boolean>;
  /** Goes on, from the start again when the end is reached. */
  play(): void;
  pause(): void;
}

/** Steps through pictures in time. No picture follows before the one before it is shown, however slow that is. */
export function useReel(of: {
  count(): number;
  at(): number;
  move(to: number): void;
  /** Whether the present picture is shown. */
  shown(): boolean;
  /** Milliseconds that a picture stays at least. */
  stay(): number;
}): Reel {
  const playing = shallowRef(false);
  let since = 0;
  const move = (to: number) => {
    since = Date.now();
    of.move(to);
  };
  const timer = setInterval(() => {
    if (!playing.value || !of.shown() || Date.now() - since < of.stay()) return;
    if (of.at() + 1 < of.count()) move(of.at() + 1);
    else if (of.count() > 0) playing.value = false;
  }, 50);
  onScopeDispose(() => clearInterval(timer));
  return {
    playing,
    play() {
      if (of.at() < 0 || of.at() + 1 >= of.count()) move(0);
      since = Date.now();
      playing.value = true;
    },
    pause() {
      playing.value = false;
    },
  };
}
