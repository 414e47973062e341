import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open, out, ready, report as reported, server } from './browser.mjs';
import { draft, openPhone, ownGrid, photo } from './phone.mjs';

// The states of the pages that other tests only pass through: axe finds nothing, and at 200 % nothing is cut off.
let browser;
let here;
let event;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
  here = await ownGrid();
  event = await reported({ title: `页面状态 ${Date.now().toString(36)}`, lon: here.lon, lat: here.lat, level: 2 });
});
after(() => browser?.close());

/** What is wider than the screen, cut off, or cannot be pressed even when scrolled to; one line each. */
const cut = (page) =>
  page.evaluate(() => {
    const bad = [];
    const tell = (what, x) => bad.push(`${what}: ${x.tagName} ${x.className} ${x.textContent.trim().slice(0, 40)}`);
    if (document.documentElement.scrollWidth > innerWidth)
      bad.push(`the page is ${document.documentElement.scrollWidth} wide`);
    for (const x of document.querySelectorAll(
      'h1, h2, h3, p, label, legend, dt, dd, button, a[href], select, textarea',
    )) {
      if (!x.checkVisibility() || x.closest('.hidden, .skip')) continue;
      x.scrollIntoView({ block: 'center', behavior: 'instant' });
      const r = x.getBoundingClientRect();
      if (r.width === 0) continue;
      if (r.left < -1 || r.right > innerWidth + 1) tell('outside', x);
      const { overflowX, overflowY } = getComputedStyle(x);
      if (overflowX === 'hidden' && x.scrollWidth > x.clientWidth + 1) tell('cut', x);
      if (overflowY === 'hidden' && x.scrollHeight > x.clientHeight + 2) tell('cut below', x);
      if (!x.matches('button, a[href], select, textarea')) continue;
      const over = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
      if (!over || !(x.contains(over) || over.contains(x))) tell('covered', x);
    }
    return bad;
  });

const next = (page) => page.getByRole('button', { name: '下一步' }).click();
const ready3 = (page) => draft(page, `页面状态 ${Date.now()}`);

/** The phone's states: where they are, and the way there. */
const PHONE = [
  ['today', '/field', (page) => page.waitForSelector('nav a')],
  ['a task', () => `/field/task/${event.id}`, (page) => page.getByText(event.title).first().waitFor()],
  ['report: photo', '/field/report', (page) => page.getByRole('heading', { name: '拍照' }).waitFor()],
  [
    'report: where',
    '/field/report',
    async (page) => {
      await page.getByRole('heading', { name: '拍照' }).waitFor();
      await page.setInputFiles('input[capture]', photo());
      await page.locator('.photos img').waitFor();
      await next(page);
      await page.getByRole('button', { name: '用我现在的位置' }).click();
      await page.getByText('误差约 12 米').waitFor();
    },
  ],
  ['report: what', '/field/report', ready3],
  [
    'report: sent',
    '/field/report',
    async (page) => {
      await ready3(page);
      const other = page.getByRole('button', { name: '不是同一件，继续上报' });
      if (await other.isVisible()) await other.click();
      await page.getByRole('button', { name: '上报', exact: true }).click();
      await page.getByRole('heading', { name: /已存好|已送达/ }).waitFor();
    },
  ],
  ['me', '/field/me', (page) => page.waitForSelector('nav a')],
];
for (const [name, path, reach] of PHONE) {
  test(`phone, ${name}: axe finds nothing, also with text at 200 %, and then nothing is cut off`, async () => {
    const { page, bad, close } = await openPhone(browser, here, typeof path === 'function' ? path() : path);
    await reach(page);
    assert.deepEqual(await axe(page), []);
    await page.evaluate(() => {
      document.documentElement.style.fontSize = '200%';
    });
    assert.deepEqual(await cut(page), []);
    await page.screenshot({ path: `${out}field-200-${name.replaceAll(/\W+/g, '-')}.png` });
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(bad, []);
    await close();
  });
}

/** The command screen's cards. */
const CARDS = [
  ['an event', () => `/command?card=event.${event.id}`, '[role=dialog] [data-step]'],
  ['an event in a replay', () => `/command?card=event.${event.id}&moment=${halfHour()}`, '[role=dialog] .present'],
  ['an instruction', () => `/command?card=instruct.${event.id}`, '[role=dialog] textarea'],
];
const halfHour = () =>
  `${new Date(Math.floor(Date.now() / 1_800_000) * 1_800_000 - 3_600_000).toISOString().slice(0, 19)}Z`;
for (const [width, height] of [
  [1920, 1080],
  [960, 540],
]) {
  for (const [name, path, shown] of CARDS) {
    test(`command at ${width} × ${height}, ${name}: axe finds nothing`, async () => {
      const { page, bad, close } = await open(browser, path(), { width, height });
      await ready(page);
      await page.locator(shown).first().waitFor();
      assert.deepEqual(await axe(page), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
      assert.deepEqual(bad, []);
      await close();
    });
  }
}

/** The desk's pages, with somebody who may open them. */
const DESK = [
  ['people', 'clerk'],
  ['accounts', 'admin'],
  ['keys', 'admin'],
  ['catalogues', 'steward'],
  ['audit', 'auditor'],
  ['rules', 'cityduty'],
];
for (const [name, as] of DESK) {
  test(`desk, ${name}: axe finds nothing, also at 200 %; the list of pages leads nowhere that is refused`, async () => {
    for (const [width, height] of [
      [1280, 800],
      [640, 400],
    ]) {
      const { page, bad, close } = await open(browser, `/desk/${name}`, { as, width, height });
      await page.locator('nav [aria-current=page]').waitFor();
      await page.waitForLoadState('networkidle');
      assert.deepEqual(await axe(page), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
      if (width === 1280) {
        const pages = await page.locator('nav a[href^="/desk/"]').evaluateAll((all) => all.map((x) => x.pathname));
        assert.ok(pages.includes(`/desk/${name}`) && pages.length < DESK.length, `${pages}`);
        for (const path of pages) {
          await page.goto(server + path);
          await page.waitForLoadState('networkidle');
        }
      }
      assert.deepEqual(bad, [], 'a page that the list names was refused');
      await close();
    }
  });
}
