import { fileURLToPath } from 'node:url';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';
import { serviceWorkerFiles } from './tools/files.mjs';

const server = process.env.ONEPICTURE_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [vue(), serviceWorkerFiles()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    target: 'es2022',
    // The page's content security policy allows no data: scripts or styles.
    assetsInlineLimit: 0,
    // MapLibre is one lazy chunk of about 1 MB; it is measured, not overlooked.
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      input: { index: 'index.html', sw: 'src/sw.ts' },
      // A service worker's address is its name for good.
      output: { entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': server, '/tiles': server, '/health': server } },
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'] },
});
