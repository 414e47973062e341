import { fileURLToPath } from 'node:url';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';

const server = process.env.ONEPICTURE_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [vue()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    target: 'es2022',
    // The page's content security policy allows no data: scripts or styles.
    assetsInlineLimit: 0,
    // MapLibre is one lazy chunk of about 1 MB; it is measured, not overlooked.
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': server, '/tiles': server, '/health': server } },
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'] },
});
