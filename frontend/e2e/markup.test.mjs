import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launch, open, out, ready, server, session, until } from './browser.mjs';

const program = new URL('../../bin/onepicture', import.meta.url).pathname;
const attack = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>{{constructor.constructor('document.title=1')()}}`;
const grid = `${attack}格`;
const site = `${attack}所`;

const get = async (path) => {
  const response = await fetch(server + path, { headers: { cookie: await session() } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
};

let browser;
let folder;
/** Codes from the city down to the grid that was brought in, and the grid's middle. */
let path;
let at;

/** Brings one feature in from a file, as a city does with its own. */
async function bring(kind, properties, geometry, fields) {
  const file = `${folder}/${kind}.geojson`;
  const feature = { type: 'Feature', properties, geometry };
  await writeFile(file, JSON.stringify({ type: 'FeatureCollection', features: [feature] }));
  const mapping = `${folder}/${kind}.toml`;
  const key = kind === 'site' ? 'contentKey = true\n' : '';
  const source = `[source]\ncode = "markup_${kind}"\nname = "<b>来源</b>"\n`;
  await writeFile(
    mapping,
    `kind = "${kind}"\ndatum = "WGS84"\n${key}${source}[location]\ngeometry = true\n[fields]\n${fields}`,
  );
  await promisify(execFile)(program, ['import', `${kind}s`, file, '--mapping', mapping]);
}

before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
  folder = await mkdtemp(`${tmpdir()}/markup-`);
  // The last village: others' tests are in the first ones.
  const { roots } = await get('/api/deployment');
  const city = await get(`/api/places/${roots[0]}`);
  const town = city.children.findLast((c) => c.label);
  const village = (await get(`/api/places/${town.code}`)).children.findLast((c) => c.label);
  at = village.label;
  const [w, s, e, n] = [at[0] - 3e-4, at[1] - 3e-4, at[0] + 3e-4, at[1] + 3e-4];
  const ring = [
    [w, s],
    [e, s],
    [e, n],
    [w, n],
    [w, s],
  ];
  const code = `${village.code}987`;
  path = [city.place.code, town.code, village.code, code];
  await bring(
    'place',
    { code, level: '4', parent: village.code, name: grid },
    { type: 'Polygon', coordinates: [ring] },
    ['code', 'level', 'parent', 'name'].map((f) => `${f} = { column = "${f}" }`).join('\n'),
  );
  await bring(
    'site',
    { name: site },
    { type: 'Point', coordinates: at },
    'name = { column = "name" }\nclass = { const = "hospital" }\naddress = { column = "name" }',
  );
  await until('the grid that was brought in', () => get(`/api/places/${code}`));
});
after(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Nothing of a name has become markup or has run. */
async function inert(page, bad) {
  assert.equal(await page.locator('img[src=x], body script:not([src]), label b').count(), 0, 'a name became markup');
  assert.ok(!/^owned|^1$/.test(await page.title()), await page.title());
  assert.deepEqual(bad, []);
}

test('names of a place and a site are shown as they were given: in the list, on the map, on the card and in the title', async () => {
  const camera = `at=${at[0].toFixed(5)},${at[1].toFixed(5)},17`;
  const { page, bad, close } = await open(browser, `/command?place=${path[2]}&layers=site_hospital&${camera}`);
  await ready(page);
  await page.waitForFunction((name) => document.body.textContent.includes(name), grid);
  await inert(page, bad);

  // On the map: the canvas is asked where it shows the site, as a pointer asks it.
  const canvas = await page.locator('.maplibregl-canvas').boundingBox();
  const tip = page.locator('.tip');
  const over = async (dx, dy, name) => {
    for (const end = Date.now() + 30_000; Date.now() < end; ) {
      await page.mouse.move(canvas.x + canvas.width / 2 + dx + (Date.now() % 2), canvas.y + canvas.height / 2 + dy);
      if ((await tip.count()) && (await tip.textContent()).includes(name)) return;
    }
    throw new Error(`the map does not tell ${name}`);
  };
  await over(40, 40, grid);
  await over(0, 0, site);
  await page.screenshot({ path: `${out}markup-map.png` });
  await inert(page, bad);
  await page.mouse.click(canvas.x + canvas.width / 2, canvas.y + canvas.height / 2);
  const card = page.getByRole('heading', { name: site });
  await card.waitFor();
  await page.screenshot({ path: `${out}markup-card.png` });
  await inert(page, bad);

  await page.goto(`${server}/command?place=${path[3]}`);
  await ready(page);
  await page.waitForFunction((name) => document.title.startsWith(name), grid);
  assert.equal(await page.locator('img[src=x]').count(), 0, 'the title became markup');
  assert.deepEqual(bad, []);
  await close();
});

test('names of places are shown as they were given at the desk', async () => {
  const { page, bad, close } = await open(browser, '/desk/keys', { as: 'admin' });
  for (const code of path.slice(0, 3)) {
    await page
      .locator('li', { has: page.locator(`> label input[value="${code}"]`) })
      .locator('> button')
      .click();
  }
  await page.locator('label', { has: page.locator(`input[value="${path[3]}"]`) }).waitFor();
  assert.ok(
    (await page.locator('label', { has: page.locator(`input[value="${path[3]}"]`) }).textContent()).includes(grid),
  );
  await page.screenshot({ path: `${out}markup-desk.png` });
  await inert(page, bad);
  await close();
});
