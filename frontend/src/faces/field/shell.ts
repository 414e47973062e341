import { type Ref, shallowRef } from 'vue';

/** The event by which Chromium lets a page offer its own installation. */
interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

export interface Shell {
  /** A newer version is ready. */
  readonly update: Ref<boolean>;
  /** Whether the page runs from the home screen. */
  readonly installed: Ref<boolean>;
  readonly installable: Ref<boolean>;
  applyUpdate(): void;
  install(): Promise<void>;
}

let shared: Shell | null = null;

/** The service worker that opens the face without a network, its updates, and the installation. One for the page. */
export function useShell(): Shell {
  shared ??= createShell();
  return shared;
}

function createShell(): Shell {
  const update = shallowRef(false);
  const installed = shallowRef(matchMedia('(display-mode: standalone)').matches);
  const installable = shallowRef(false);
  let waiting: ServiceWorker | null = null;
  let prompt: InstallPrompt | null = null;

  addEventListener('beforeinstallprompt', (e) => {
    e.preventDefault();
    prompt = e as InstallPrompt;
    installable.value = true;
  });
  addEventListener('appinstalled', () => {
    installed.value = true;
    installable.value = false;
  });

  const ready = (worker: ServiceWorker | null) => {
    // The first worker of all is no update.
    if (!worker || !navigator.serviceWorker.controller) return;
    waiting = worker;
    update.value = true;
  };
  async function register() {
    const registration = await navigator.serviceWorker.register('/sw.js', { scope: '/field', type: 'module' });
    ready(registration.waiting);
    registration.addEventListener('updatefound', () => {
      const fresh = registration.installing;
      fresh?.addEventListener('statechange', () => fresh.state === 'installed' && ready(fresh));
    });
    // The map is large: it is fetched once the page has all that it needs itself.
    const active = await navigator.serviceWorker.ready;
    active.active?.postMessage('map');
  }
  if (import.meta.env.PROD && 'serviceWorker' in navigator) {
    register().catch(() => undefined); // without it the page works online only
  }

  return {
    update,
    installed,
    installable,
    applyUpdate() {
      navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
      waiting?.postMessage('activate');
    },
    async install() {
      await prompt?.prompt();
      installable.value = false;
    },
  };
}
