import type { Plugin } from 'vite';

export function serviceWorkerFiles(): Plugin;
