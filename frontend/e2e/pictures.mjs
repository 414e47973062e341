// Pictures of a served synthetic city (`onepicture serve --demo`): those of the README (city, town, village, event, risk, wall,
// phone, field), and one of each other view for the documents and to be looked at:
//   ONEPICTURE_URL=http://127.0.0.1:8080 node e2e/pictures.mjs ../docs/pictures
// It is no test of the default run: somebody has to look at them.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { launch, open, ready, server, session } from './browser.mjs';

const folder = process.argv[2] ?? '../docs/pictures';
await mkdir(folder, { recursive: true });
const get = async (path) => (await fetch(server + path, { headers: { cookie: await session() } })).json();
const densest = async (code) =>
  (await get(`/api/places/${code}/figures`)).children.reduce((a, b) => (b.person > a.person ? b : a)).code;
const city = (await get('/api/deployment')).roots[0];
const town = await densest(city);
const village = await densest(town);
const event = (await get('/api/events?status=open&limit=50')).events.find((e) => e.level > 1) ?? {};
const wide = { width: 3840, height: 1080 };
const small = { width: 390, height: 844, deviceScaleFactor: 2 };
const shots = [
  { name: 'city', path: '/command' },
  { name: 'town', path: `/command?place=${town}` },
  { name: 'village', path: `/command?place=${village}` },
  { name: 'risk', path: '/command?risk=all.7' },
  { name: 'event', path: `/command?card=event.${event.id}` },
  { name: 'wall', path: '/command?lang=en', size: wide },
  { name: 'phone', path: `/command?place=${town}`, size: small },
  { name: 'field', path: '/field', size: small, as: 'worker' },
  { name: 'field-report', path: '/field/report', size: small, as: 'worker' },
  { name: 'field-en', path: '/field?lang=en', size: small, as: 'worker' },
  { name: 'desk', path: '/desk/catalogues', as: 'steward' },
  { name: 'sign-in', path: '/sign-in', as: null },
];
const browser = await launch();
try {
  for (const { name, path, size = {}, as } of shots) {
    const { page, close } = await open(browser, path, { ...size, ...(as === undefined ? {} : { as }) });
    if (path.startsWith('/command')) await ready(page);
    await page.evaluate(() => document.fonts.ready);
    await page.waitForTimeout(6000); // labels fade in
    await page.screenshot({ path: join(folder, `${name}.jpg`), quality: 85 });
    await close();
    console.log(name);
  }
} finally {
  await browser.close();
}
