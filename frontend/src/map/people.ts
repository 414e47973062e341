import { type Map as MapLibre, Marker } from 'maplibre-gl';
import type { LonLat } from '@/core/model';

/** A worker on the map: where the last position was told, to about 100 m. */
export interface Someone {
  id: number;
  lon: number;
  lat: number;
  /** Who, for the pointer. */
  title: string;
  /** Said under the mark; '' for nothing. */
  text: string;
  /** A filled mark is free, a hollow one has enough in hand. */
  free: boolean;
  chosen: boolean;
  /** 1: just seen; the older, the fainter. */
  opacity: number;
  press?: () => void;
}

/** Marks of workers over the map. The lists beside it say the same in words: here they are signs for the eye. */
export function createPeople(map: MapLibre) {
  const shown = new Map<number, Marker>();
  return {
    at(people: readonly Someone[]) {
      const now = new Set(people.map((p) => p.id));
      for (const [id, marker] of shown) {
        if (now.has(id)) continue;
        marker.remove();
        shown.delete(id);
      }
      for (const p of people) {
        const marker = shown.get(p.id) ?? add(map, p);
        shown.set(p.id, marker);
        marker.setLngLat([p.lon, p.lat]);
        draw(marker.getElement(), p);
      }
    },
  };
}

function add(map: MapLibre, p: Someone): Marker {
  const element = document.createElement('div');
  element.append(document.createElement('i'), document.createElement('span'));
  return sign(map, element, [p.lon, p.lat]);
}

function draw(element: HTMLElement, p: Someone) {
  element.classList.add('someone');
  element.classList.toggle('free', p.free);
  element.classList.toggle('chosen', p.chosen);
  element.dataset.someone = String(p.id);
  element.title = p.title;
  element.style.setProperty('--faint', String(p.opacity));
  const text = element.querySelector('span');
  if (text) text.textContent = p.text;
  const { press } = p;
  element.classList.toggle('pressed', press !== undefined);
  element.onclick = press
    ? (e) => {
        e.stopPropagation();
        press();
      }
    : null;
}

/** MapLibre makes markers buttons; these are only signs. */
export function sign(map: MapLibre, element: HTMLElement, [lon, lat]: LonLat): Marker {
  const marker = new Marker({ element }).setLngLat([lon, lat]).addTo(map);
  for (const name of ['role', 'aria-label', 'tabindex']) element.removeAttribute(name);
  element.setAttribute('aria-hidden', 'true');
  return marker;
}
