import type { Lang, Translate } from '@/core/i18n';
import { word } from '@/core/i18n';
import type { Alert, AlertInfo, Bounds } from '@/core/model';
import { type AlertShape, shapeOf } from '@/map/alerts';

/** The parts of an alert in the reader's language, with their numbers; all parts when none is in it. */
export function partsFor(alert: Alert, lang: Lang): { part: AlertInfo; n: number }[] {
  const all = alert.infos.map((part, n) => ({ part, n }));
  const own = all.filter(({ part }) => part.language.slice(0, 2).toLowerCase() === lang.slice(0, 2));
  if (own.length) return own;
  const first = all[0]?.part.language;
  return all.filter(({ part }) => part.language === first);
}

/** What an alert is called: its headline, else its event. */
export function titleOf(alert: Alert, lang: Lang): string {
  const [first] = partsFor(alert, lang);
  return first?.part.headline || first?.part.event || alert.identifier;
}

/** What the map shows of the alerts: the areas of the parts that the reader reads. */
export function alertShapes(alerts: readonly Alert[], lang: Lang, t: Translate): AlertShape[] {
  return alerts.flatMap((a) =>
    partsFor(a, lang).map(({ part, n }) => {
      const words = [
        a.status === 'Exercise' ? t('alert.exercise') : '',
        word(t, 'alert.severity', part.severity),
        part.event,
      ];
      return shapeOf({ ...a, severity: part.severity }, n, words.filter(Boolean).join(' · '));
    }),
  );
}

/** The box of all its areas; null when it has none on the map. */
export function boundsOf(alert: Alert): Bounds | null {
  let box: [number, number, number, number] | null = null;
  const visit = (x: unknown) => {
    if (!Array.isArray(x)) return;
    const [lon, lat] = x as unknown[];
    if (typeof lon !== 'number' || typeof lat !== 'number') {
      for (const inner of x) visit(inner);
      return;
    }
    const [w, s, e, n] = box ?? [lon, lat, lon, lat];
    box = [Math.min(w, lon), Math.min(s, lat), Math.max(e, lon), Math.max(n, lat)];
  };
  for (const area of alert.areas) {
    visit(area.shape?.coordinates);
    visit(area.points);
  }
  return box;
}
