import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open, out, server, session } from './browser.mjs';
import { installed, offlineWords, openPhone, ownGrid, photo, report } from './phone.mjs';

let browser;
let here;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
  here = await ownGrid();
});
after(() => browser?.close());

const shot = (page, name) => page.screenshot({ path: `${out}${name}.png` });
const phone = (path, more) => openPhone(browser, here, path, more);

async function get(path, base = server, as = 'cityduty', cookie = undefined) {
  const response = await fetch(base + path, { headers: { cookie: cookie ?? (await session(as)) } });
  assert.equal(response.status, 200, `${path}: ${response.status}`);
  return response.json();
}
const photosOf = async (id, base, cookie) => (await get(`/api/events/${id}/photos`, base, 'cityduty', cookie)).photos;

test('a report with a photo made without a network is on the wall as soon as there is one', async (t) => {
  const wall = await open(browser, '/command');
  await wall.page.waitForSelector('.live[data-state=live]', { timeout: 60_000 });
  const { page, bad, close } = await phone('/field');
  await installed(page);
  await page.context().setOffline(true);
  await page.reload(); // the phone was off
  await page.waitForSelector('nav a');
  const text = `断网上报${Date.now()}`;
  await report(page, text);
  await page.getByText('没有网络 · 1 条已存好').waitFor();
  await shot(page, 'field-offline');
  assert.equal(await wall.page.getByText(text).count(), 0);
  const began = Date.now();
  await page.context().setOffline(false);
  await wall.page.getByText(text).first().waitFor();
  t.diagnostic(`on the wall ${Date.now() - began} ms after the network came back`);
  await page.getByText(/已送达，编号 \d+/).waitFor();
  const { events } = await get('/api/events?limit=50');
  const mine = events.filter((e) => e.title === text);
  assert.equal(mine.length, 1);
  const photos = await photosOf(mine[0].id);
  assert.equal(photos.length, 1);
  assert.equal(photos[0].width, 512);
  const image = await fetch(server + photos[0].small, { headers: { cookie: await session() } });
  assert.equal(image.headers.get('content-type'), 'image/jpeg');
  assert.deepEqual(
    bad.filter((l) => !offlineWords(l)),
    [],
  );
  assert.deepEqual(wall.bad, []);
  await close();
  await wall.close();
});

test('what to look at today in the own grids: in words, as advice, and without a network as of then', async () => {
  const told = await get('/api/risk/today', server, 'worker');
  assert.ok(told.hints.length > 0, 'the grid of the sample worker lies in the busiest village');
  const { page, bad, close } = await phone('/field');
  await installed(page);
  const card = page.locator('[data-look]');
  await card.locator('[data-hint]').first().waitFor();
  assert.equal(await card.locator('[data-hint]').count(), told.hints.length);
  const text = await card.textContent();
  assert.match(text, /不是命令/);
  assert.match(text, /截至 \d/);
  for (const h of told.hints) assert.ok(text.includes(h.place.name), h.place.name);
  assert.match(await card.locator('[data-hint] p').first().textContent(), /(天有一件|件，别的).*巡查发现 \d+ 件/);
  assert.doesNotMatch(text, /risk\.|undefined|NaN|null/);
  await card.scrollIntoViewIfNeeded();
  await shot(page, 'field-look');
  await page.waitForFunction(async () =>
    (await (await caches.open('field-kept-answers')).keys()).some((r) => new URL(r.url).pathname === '/api/risk/today'),
  );
  await page.context().setOffline(true);
  await page.reload();
  await card.locator('[data-hint]').first().waitFor();
  assert.equal(await card.textContent(), text);
  await page.context().setOffline(false);
  await page.goto(`${server}/field?lang=en`);
  await card.getByText('Advice, not an order').waitFor();
  assert.match(await card.locator('[data-hint] p').first().textContent(), /found by patrols/);
  assert.deepEqual(
    bad.filter((l) => !offlineWords(l)),
    [],
  );
  await close();
});

test('no space left on the phone: told, nothing of before is lost', async () => {
  const { page, bad, close } = await phone('/field/report');
  await page.setInputFiles('input[capture]', photo());
  await page.locator('.photos img').first().waitFor();
  // What the browser does when the disk is full. (Its own quota counts with an allowance of half a minute.)
  await page.evaluate(() => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (...args) {
      if (this.name === 'photos') throw new DOMException('full', 'QuotaExceededError');
      return put.apply(this, args);
    };
  });
  await page.setInputFiles('input[capture]', photo());
  await page.getByText('手机空间不够，这张照片没存下来').waitFor();
  await shot(page, 'field-full');
  assert.equal(await page.locator('.photos img').count(), 1);
  await page.reload();
  await page.getByRole('link', { name: /1 张照片/ }).click();
  await page.locator('.photos img').waitFor();
  await page.setInputFiles('input[capture]', photo());
  await page.waitForFunction(() => document.querySelectorAll('.photos img').length === 2);
  assert.deepEqual(bad, []);
  await close();
});

for (const lang of ['zh-CN']) {
  test(`every page of the phone: axe, thumbs, large type (${lang})`, async () => {
    const { page, bad, close } = await phone(`/field?lang=${lang}`);
    for (const size of ['1', '4']) {
      for (const path of ['/field', '/field/report', '/field/me', '/field/map']) {
        await page.goto(server + path);
        await page.evaluate((text) => {
          document.documentElement.dataset.text = text;
        }, size);
        await page.locator('h1').first().waitFor({ state: 'attached' });
        if (path === '/field/map') await page.waitForSelector('.maplibregl-canvas', { timeout: 60_000 });
        const small = await page.evaluate(() =>
          [...document.querySelectorAll('button, a, label:has(input), input:not(.hidden), textarea')]
            .filter((x) => x.checkVisibility() && !x.closest('.maplibregl-control-container'))
            .map((x) => ({ words: x.textContent.trim(), ...x.getBoundingClientRect().toJSON() }))
            .filter((r) => r.width < 59.5 || r.height < 59.5)
            .map((r) => `${r.words} ${r.width}×${r.height}`),
        );
        assert.deepEqual(small, [], `${path}: too small for a thumb`);
        assert.deepEqual(await axe(page), [], path);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(wide, false, `${path} is wider than the screen at text size ${size}`);
        await shot(page, `field${path.slice(6).replace('/', '-') || '-today'}-${lang}${size === '4' ? '-large' : ''}`);
      }
    }
    assert.deepEqual(bad, []);
    await close();
  });
}

test('the developers’ page of the shared parts', async () => {
  const { page, bad, close } = await open(browser, '/ui', { width: 1280, height: 900 });
  for (const theme of ['Light', 'Dark']) {
    await page.getByText(theme, { exact: true }).first().click();
    assert.deepEqual(await axe(page), [], theme);
    await shot(page, `ui-${theme.toLowerCase()}`);
  }
  assert.deepEqual(bad, []);
  await close();
});

test('what the first opening of the face loads is at most 200 kB', async (t) => {
  const { shell } = JSON.parse(await readFile(new URL('../dist/.files.json', import.meta.url), 'utf8'));
  let total = 0;
  for (const path of ['/field', ...shell]) {
    const answer = await fetch(server + path, { headers: { 'accept-encoding': 'gzip', accept: 'text/html,*/*' } });
    assert.equal(answer.status, 200, path);
    total += Number(answer.headers.get('content-length') ?? (await answer.arrayBuffer()).byteLength);
  }
  t.diagnostic(`${Math.round(total / 1000)} kB in ${shell.length + 1} files`);
  assert.ok(total <= 200_000, `${total} bytes`);
});
