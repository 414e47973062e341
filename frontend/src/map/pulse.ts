import type { Map as MapLibre, Marker } from 'maplibre-gl';
import type { LonLat } from '@/core/model';
import { sign } from './people';

/** Pulses shown at once; in a storm of events the list tells the rest. */
const MOST = 24;

export interface Pulse {
  lon: number;
  lat: number;
  color: string;
  /** Grave and urgent events pulse larger and longer. */
  strong: boolean;
}

/** Rings that call the eye to a place on the map for some seconds. */
export function createPulses(map: MapLibre) {
  const shown = new Map<Marker, ReturnType<typeof setTimeout>>();
  const remove = (marker: Marker) => {
    clearTimeout(shown.get(marker));
    shown.delete(marker);
    marker.remove();
  };
  return {
    show({ lon, lat, color, strong }: Pulse) {
      if (shown.size >= MOST) {
        const [oldest] = shown.keys();
        if (oldest) remove(oldest);
      }
      const element = document.createElement('div');
      element.className = strong ? 'pulse pulse-strong' : 'pulse';
      element.style.setProperty('--pulse', color);
      element.append(document.createElement('i'), document.createElement('i'));
      const marker = sign(map, element, [lon, lat]);
      shown.set(
        marker,
        setTimeout(() => remove(marker), strong ? 12_000 : 6000),
      );
    },
    stop() {
      for (const marker of shown.keys()) remove(marker);
    },
  };
}

/** The ring around the feature whose card is open. */
export function createRing(map: MapLibre) {
  let marker: Marker | null = null;
  return {
    at(point: LonLat | null) {
      marker?.remove();
      marker = null;
      if (!point) return;
      const element = document.createElement('div');
      element.className = 'ring';
      marker = sign(map, element, point);
    },
  };
}
