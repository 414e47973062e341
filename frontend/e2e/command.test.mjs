import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, colours, launch, open, out, ready, report, server, somewhere, wire } from './browser.mjs';

let browser;
let here;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
  here = await somewhere();
});
after(() => browser?.close());

const shot = (page, name) => page.screenshot({ path: `${out}${name}.png` });
const sizes = [
  ['wall', 1920, 1080],
  ['ultra-wide', 3840, 1080],
  ['phone', 390, 844],
];
const stamp = () => `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;

for (const [name, width, height] of sizes) {
  for (const lang of ['zh-CN', 'en']) {
    test(`${name} in ${lang}: the map is drawn, nothing fails, nobody else is asked, axe finds nothing`, async () => {
      const { page, bad, close } = await open(browser, `/command?lang=${lang}`, { width, height });
      await ready(page);
      const clip =
        name === 'phone'
          ? { x: 60, y: 150, width: 220, height: 200 }
          : { x: width / 2 - 200, y: height / 2 - 200, width: 400, height: 400 };
      const found = await colours(page, clip);
      assert.ok(found.size >= 8, `the map is blank: ${found.size} colours`);
      await shot(page, `${name}-${lang}`);
      assert.deepEqual(await axe(page), []);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(overflow, false, 'the page is wider than the screen');
      assert.equal(await page.locator('html').getAttribute('lang'), lang);
      assert.deepEqual(bad, []);
      await close();
    });
  }
}

test('light theme: axe finds nothing', async () => {
  const { page, bad, close } = await open(browser, '/command?theme=light');
  await ready(page);
  await shot(page, 'wall-light');
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(bad, []);
  await close();
});

test('text at 200 %: nothing is cut off, axe finds nothing', async () => {
  const { page, close } = await open(browser, '/command', { width: 960, height: 540 });
  await ready(page);
  await shot(page, 'text-200');
  assert.deepEqual(await axe(page), []);
  await page.getByRole('tab', { name: '事件' }).click();
  await page.waitForSelector('[data-event]');
  await close();
});

test('drills down by list and by map, and back by button, Escape and browser', async () => {
  const { page, bad, close } = await open(browser, '/command');
  await ready(page);
  const crumbs = page.locator('.crumbs li');
  assert.equal(await crumbs.count(), 1);
  await page.locator('.rank li button').first().click();
  await page.waitForURL(/place=\d{12}/);
  await page.waitForFunction(() => document.querySelectorAll('.crumbs li').length === 2);
  await page.locator('.rank li button').first().click();
  await page.waitForFunction(() => document.querySelectorAll('.crumbs li').length === 3);
  await page.waitForTimeout(1500);
  await shot(page, 'village');
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll('.crumbs li').length === 2);
  await page.waitForTimeout(1500);
  await shot(page, 'town');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.querySelectorAll('.crumbs li').length === 1);
  assert.equal(new URL(page.url()).searchParams.get('place'), null);

  // By the map: with all layers off, a click on a town opens it.
  await page.goto(`${server}/command?layers=`);
  await ready(page);
  await page.mouse.click(960, 520);
  await page.waitForURL(/place=\d{12}/);
  await page.waitForFunction(() => document.querySelectorAll('.crumbs li').length === 2);
  await page.locator('.crumbs .up').click();
  await page.waitForFunction(() => document.querySelectorAll('.crumbs li').length === 1);
  assert.deepEqual(bad, []);
  await close();
});

test('a view that was sent opens as it was', async () => {
  const { page, close } = await open(browser, `/command?place=${here.town.code}&by=open&layers=&lang=en`);
  await ready(page);
  assert.equal(await page.locator('.crumbs [aria-current]').textContent(), here.town.nameEn || here.town.name);
  assert.equal(
    await page
      .locator('.by [aria-checked=true]')
      .textContent()
      .then((s) => s.trim()),
    'Open',
  );
  await close();
});

test('finds a place by name with the keyboard alone', async () => {
  const { page, close } = await open(browser, '/command');
  await ready(page);
  await page.getByRole('combobox').focus();
  await page.keyboard.type(here.town.name);
  await page.waitForSelector('[role=option]');
  await page.keyboard.press('Enter');
  await page.waitForURL(/place=/);
  await page.getByRole('combobox').fill('没有这个地方');
  await page.getByText('没有叫“没有这个地方”的区域').first().waitFor();
  await close();
});

test('turns layers on and off, several at once, and keeps them in the address', async () => {
  const { page, bad, close } = await open(browser, '/command?layers=');
  await ready(page);
  const asked = [];
  page.on('request', (r) => asked.push(new URL(r.url()).pathname));
  await page.getByRole('button', { name: '图层', exact: true }).click();
  const codes = await page.locator('[data-layer]').evaluateAll((all) => all.map((x) => x.dataset.layer));
  assert.ok(codes.length > 2);
  const [first, second] = codes;
  await page.locator(`[data-layer="${first}"]`).click();
  await page.locator(`[data-layer="${second}"]`).click();
  await page.waitForURL(new RegExp(`layers=${first},${second}`));
  await page.waitForTimeout(2000);
  for (const code of [first, second]) {
    assert.ok(
      asked.some((p) => p.startsWith(`/tiles/${code}/`)),
      `no tile of ${code} was asked for`,
    );
  }
  await shot(page, 'layers');
  assert.deepEqual(await axe(page), []);
  await page.locator(`[data-layer="${first}"]`).click();
  await page.waitForURL((u) => u.search === `?layers=${second}`);
  await page.locator('.drawer input[type=search]').fill('zzzz');
  await page.getByText('没有叫“zzzz”的图层').waitFor();
  assert.deepEqual(bad, []);
  await close();
});

test('a new event is on the page within a second, by itself', async () => {
  const { page, bad, close } = await open(browser, '/command');
  await ready(page);
  await page.waitForSelector('[data-event]');
  const title = `浏览器测试 ${stamp()}`;
  const row = page.locator('.events b', { hasText: title });
  assert.equal(await row.count(), 0);
  const begun = Date.now();
  await report({ title, lon: here.lon, lat: here.lat, level: 1 });
  await row.waitFor({ timeout: 5000 });
  const took = Date.now() - begun;
  assert.ok(took < 1000, `took ${took} ms`);
  await page.waitForSelector('.pulse-strong', { timeout: 2000, state: 'attached' });
  await page.waitForTimeout(600);
  await shot(page, 'new-event');
  assert.deepEqual(bad, []);
  await close();
});

test('reads an event on its card; Escape closes it and the focus returns', async () => {
  const title = `读卡测试 ${stamp()}`;
  const event = await report({ title, description: '路口积水约 20 厘米', lon: here.lon, lat: here.lat });
  for (const [name, width, height] of [sizes[0], sizes[2]]) {
    const { page, bad, close } = await open(browser, '/command', { width, height });
    await ready(page);
    if (name === 'phone') await page.getByRole('tab', { name: '事件' }).click();
    await page.locator(`[data-event="${event.id}"]`).click();
    const card = page.getByRole('dialog');
    await card.getByText('路口积水约 20 厘米').waitFor();
    assert.ok((await card.textContent()).includes('已上报'), 'the status is told in words');
    assert.match(page.url(), new RegExp(`card=event\\.${event.id}`));
    await page.waitForTimeout(500);
    await shot(page, `card-${name}`);
    assert.deepEqual(await axe(page), []);
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement?.dataset.event), String(event.id));
    assert.deepEqual(bad, []);
    await close();
  }
});

test('says when a card cannot be found, and what to do', async () => {
  const { page, close } = await open(browser, '/command?card=event.999999999999');
  await ready(page);
  await page.getByRole('dialog').getByText('没有找到').waitFor();
  await close();
});

test('switches the language and keeps the view', async () => {
  const { page, bad, close } = await open(browser, `/command?place=${here.town.code}`);
  await ready(page);
  await page.getByRole('button', { name: 'Switch to English' }).click();
  await page.getByRole('heading', { name: 'Live events' }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get('place'), here.town.code);
  await page.getByRole('button', { name: '切换为中文' }).click();
  await page.getByRole('heading', { name: '实时事件' }).waitFor();
  assert.deepEqual(bad, []);
  await close();
});

test('server gone: a bar says since when; server back: catches up without loss', async () => {
  const line = await wire();
  const { page, close } = await open(browser, '/command', { base: line.url });
  await ready(page);
  await page.waitForSelector('[data-event]');
  await line.cut();
  const bar = page.locator('.lost[role=alert]');
  await bar.waitFor({ timeout: 5000 });
  assert.match(await bar.textContent(), /自 \d\d:\d\d:\d\d 起/);
  assert.equal(await page.locator('.live[data-state=live]').count(), 0);
  const titles = [1, 2, 3].map((n) => `断线期间 ${n} ${stamp()}`);
  for (const title of titles) await report({ title, lon: here.lon, lat: here.lat });
  await page.waitForTimeout(1500);
  await shot(page, 'lost');
  for (const title of titles) assert.equal(await page.getByText(title).count(), 0);
  await line.mend();
  await bar.waitFor({ state: 'detached', timeout: 15_000 });
  await page.waitForSelector('.live[data-state=live]');
  for (const title of titles) await page.locator('.events b', { hasText: title }).waitFor({ timeout: 5000 });
  await close();
  await line.cut();
});

test('targets on the phone are large enough for a thumb', async () => {
  const { page, close } = await open(browser, '/command', { width: 390, height: 844 });
  await ready(page);
  for (const tab of ['概况', '事件', '图层']) {
    await page.getByRole('tab', { name: tab }).click();
    await page.waitForTimeout(400);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('button, input, a[href]')]
        .map((x) => ({ x, r: x.getBoundingClientRect() }))
        .filter(({ x, r }) => r.width > 0 && r.right > 0 && x.type !== 'range' && (r.width < 44 || r.height < 44))
        .map(({ x, r }) => `${x.className || x.textContent} ${r.width}×${r.height}`),
    );
    assert.deepEqual(small, []);
    await shot(page, `phone-${tab}`);
  }
  await close();
});
