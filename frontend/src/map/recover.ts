import type { ErrorEvent, Map as MapLibre, VectorTileSource } from 'maplibre-gl';

/**
 * Reads sources again whose tiles or description failed: after 2, 4 … 30 s, and at once on `now`. MapLibre itself never
 * asks twice. Returns what stops it.
 */
export function recoverSources(map: MapLibre): { now(): void; stop(): void } {
  const failed = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempts = 0;

  const again = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const id of failed) {
      const source = map.getSource<VectorTileSource>(id);
      if (!source) continue;
      if (source.tiles) map.refreshTiles(id);
      else if (source.url) source.setUrl(source.url);
    }
    failed.clear();
  };
  const onError = (event: ErrorEvent) => {
    const { sourceId } = event as ErrorEvent & { sourceId?: string };
    if (!sourceId) return;
    failed.add(sourceId);
    timer ??= setTimeout(again, Math.min(30_000, 2000 * 2 ** attempts++));
  };
  const onIdle = () => {
    if (failed.size === 0) attempts = 0;
  };
  map.on('error', onError);
  map.on('idle', onIdle);
  return {
    now: again,
    stop() {
      clearTimeout(timer);
      map.off('error', onError);
      map.off('idle', onIdle);
    },
  };
}
