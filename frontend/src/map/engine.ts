import { Map as MapLibre, type MapOptions, setWorkerUrl } from 'maplibre-gl';
import worker from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import 'maplibre-gl/dist/maplibre-gl.css';
import { attendance } from '@/core/attended';
import { drawImage } from './marks';

setWorkerUrl(worker);

/** Local fonts only: no glyphs are fetched, so that labels show without any other host. */
const FONTS =
  "'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei','Noto Sans',system-ui,sans-serif";

/** Opens a map that draws its own images and says nothing about anybody else; address may change what is asked for. Throws when there is no WebGL. */
export function openMap(
  container: HTMLElement,
  options: Partial<MapOptions>,
  address = (url: string) => url,
): MapLibre {
  const map = new MapLibre({
    container,
    attributionControl: false,
    localIdeographFontFamily: FONTS,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    maxPitch: 0,
    fadeDuration: reducedMotion() ? 0 : 150,
    refreshExpiredTiles: false,
    renderWorldCopies: false,
    // Tiles are read again when something has changed: that is nobody's deed.
    transformRequest: (url) => ({ url: address(url), headers: { ...attendance() } }),
    ...options,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.setMissingStyleImageResolver((id) => {
    const drawn = map.hasImage(id) ? null : drawImage(id);
    if (drawn) map.addImage(id, drawn.image, { pixelRatio: drawn.pixelRatio });
  });
  return map;
}

export function reducedMotion(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
