import { readFile } from 'node:fs/promises';
import { open, server, session } from './browser.mjs';

const picture = await readFile(new URL('../public/icon-512.png', import.meta.url));

/** A picture as the phone's camera would give it. */
export const photo = (name = 'street.png') => ({ name, mimeType: 'image/png', buffer: picture });

/** What the browser itself says of requests that go nowhere without a network. */
export const offlineWords = (line) =>
  /ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_FAILED/.test(line);

/** A point in the sample worker's own grid. */
export async function ownGrid(base = server, cookie = undefined) {
  const answer = await fetch(`${base}/api/me`, { headers: { cookie: cookie ?? (await session('worker')) } });
  const { roles } = await answer.json();
  const [lon, lat] = roles.find((r) => r.place?.label).place.label;
  return { lon, lat };
}

/** What a grid worker's phone is like: its screen, a position and a right to tell it. */
export const phoneLike = (here) => ({
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
  geolocation: { longitude: here.lon, latitude: here.lat, accuracy: 12 },
  permissions: ['geolocation'],
});

/** Opens a page of the field face on a grid worker's phone. */
export const openPhone = (browser, here, path, more = {}) =>
  open(browser, path, { width: 390, height: 844, as: 'worker', ...phoneLike(here), ...more });

/** Until the face can be opened without a network. */
export async function installed(page) {
  await page.waitForSelector('nav a');
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) {
      await new Promise((r) => navigator.serviceWorker.addEventListener('controllerchange', r, { once: true }));
    }
  });
  // What the pages need without a network has been asked for once under the worker's eyes.
  await page.reload();
  await page.waitForSelector('nav a');
  await page.waitForFunction(async () => {
    const cache = await caches.open('field-kept-answers');
    const kept = (await cache.keys()).map((r) => new URL(r.url).pathname);
    return ['/api/deployment', '/api/classes'].every((p) => kept.includes(p));
  });
}

/** Goes through the three steps of a report with one photo and sends it. */
export async function report(page, text) {
  await page.getByRole('link', { name: '上报' }).last().click();
  await draft(page, text);
  const other = page.getByRole('button', { name: '不是同一件，继续上报' });
  if (await other.isVisible()) await other.click();
  await page.getByRole('button', { name: '上报', exact: true }).click();
  await page.getByRole('heading', { name: /已存好|已送达/ }).waitFor();
}

/** Goes through the three steps of a report with one photo, from the first on. */
export async function draft(page, text) {
  await page.getByRole('heading', { name: '拍照' }).waitFor();
  await page.setInputFiles('input[capture]', photo());
  await page.locator('.photos img').waitFor();
  await page.getByRole('button', { name: '下一步' }).click();
  await page.getByRole('button', { name: '用我现在的位置' }).click();
  await page.getByText('误差约 12 米').waitFor();
  await page.getByRole('button', { name: '下一步' }).click();
  await page.locator('fieldset label').first().click();
  await page.getByText('都不是，我来写').click();
  await page.getByLabel('说说情况').fill(text);
}
