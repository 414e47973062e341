import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open, out, ready, report, server, session, somewhere } from './browser.mjs';

let browser;
let here;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
  here = await somewhere();
});
after(() => browser?.close());

const shot = (page, name) => page.screenshot({ path: `${out}${name}.png` });

/** What the API counts in the area of the page's address, with the layers that the server opens with. */
async function counted(page) {
  const text = new URL(page.url()).searchParams.get('area');
  assert.ok(text, 'the address holds no area');
  const ring = text.split(';').map((c) => c.split(',').map(Number));
  const groups = await (await fetch(`${server}/api/layers`, { headers: { cookie: await session() } })).json();
  const on = groups.groups.flatMap((g) => g.layers).filter((l) => l.visible && l.kind !== 'place');
  const response = await fetch(`${server}/api/count`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: await session() },
    body: JSON.stringify({
      area: { type: 'Polygon', coordinates: [[...ring, ring[0]]] },
      layers: on.map((l) => l.code),
    }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

/** The numbers that the panel shows, as numbers; null for "<10" and "—". */
async function shown(page) {
  await page.waitForSelector('[data-area] [data-count]');
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll('[data-area] [data-count]')].map((x) => {
        const digits = x.textContent.replace(/[^\d<—]/g, '');
        return [x.dataset.count, /^\d+$/.test(digits) ? Number(digits) : null];
      }),
    ),
  );
}

async function same(page) {
  const [api, page_] = [await counted(page), await shown(page)];
  const kind = Object.fromEntries(api.kinds.map((k) => [k.kind, k]));
  const want = {
    'figures.person': kind.person.count,
    'figures.site': kind.site.count,
    'figures.open': kind.event.open,
    'figures.overdue': kind.event.overdue,
    ...Object.fromEntries(api.layers.map((l) => [l.code, l.count])),
  };
  assert.deepEqual(page_, want);
  return want;
}

test('draws an area by clicks, sees the numbers of the API, sends it, clears it', async () => {
  const { page, bad, close } = await open(browser, '/command');
  await ready(page);
  await page.locator('[data-tool=area]').click();
  await page.getByText('在地图上点出范围的各个角').waitFor();
  const corners = [
    [760, 300],
    [1180, 330],
    [1150, 720],
    [800, 690],
  ];
  for (const [x, y] of corners) await page.mouse.click(x, y);
  assert.equal(await page.locator('.drawn circle').count(), 4);
  await page.mouse.move(700, 500);
  await shot(page, 'area-drawing');
  assert.deepEqual(await axe(page), []);
  assert.equal(new URL(page.url()).searchParams.get('area'), null, 'an unfinished area is in the address');
  assert.equal(new URL(page.url()).searchParams.get('place'), null, 'a click while drawing opened a place');
  await page.mouse.click(...corners[0]);
  await page.waitForURL(/area=/);
  const numbers = await same(page);
  assert.ok(
    numbers['figures.site'] > 0 && numbers['figures.person'] > 0,
    `nothing was counted: ${JSON.stringify(numbers)}`,
  );
  await shot(page, 'area-wall');
  assert.deepEqual(await axe(page), []);

  const sent = await open(browser, new URL(page.url()).pathname + new URL(page.url()).search);
  await ready(sent.page);
  assert.deepEqual(await same(sent.page), numbers);
  assert.equal(await sent.page.locator('.drawn circle').count(), 4);
  await sent.close();

  await page.getByRole('button', { name: '清除' }).click();
  await page.waitForFunction(() => !new URLSearchParams(location.search).has('area'));
  assert.equal(await page.locator('[data-area]').count(), 0);
  assert.equal(await page.locator('.drawn').count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.tool), 'area');
  assert.deepEqual(bad, []);
  await close();
});

test('numbers of an area move by themselves when an event is reported in it', async () => {
  const [lon, lat] = [here.lon, here.lat];
  const ring = [
    [lon - 0.02, lat - 0.02],
    [lon + 0.02, lat - 0.02],
    [lon + 0.02, lat + 0.02],
    [lon - 0.02, lat + 0.02],
  ].map((c) => c.map((v) => v.toFixed(5)).join(','));
  const { page, bad, close } = await open(browser, `/command?area=${ring.join(';')}`);
  await ready(page);
  const before = (await shown(page))['figures.open'];
  await report({ title: '框内事件', lon, lat });
  await page.waitForFunction(
    (n) => document.querySelector('[data-count="figures.open"]')?.textContent.replace(/\D/g, '') === String(n),
    before + 1,
    { timeout: 10_000 },
  );
  await same(page);
  assert.deepEqual(bad, []);
  await close();
});

test('draws with the keyboard alone; Escape gives up', async () => {
  // Without motion the arrow keys move the map at once.
  const { page, bad, close } = await open(browser, '/command?lang=en', { reducedMotion: 'reduce' });
  await ready(page);
  await page.locator('[data-tool=area]').focus();
  await page.keyboard.press('Enter');
  await page.getByText('Click the corners of the area on the map.').waitFor();
  assert.ok(await page.evaluate(() => document.activeElement?.classList.contains('maplibregl-canvas')));
  const go = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
    await page.keyboard.press('Enter');
  };
  await go();
  await go('ArrowRight', 'ArrowRight');
  await go('ArrowUp');
  await page.keyboard.press('Backspace');
  await go('ArrowDown', 'ArrowDown');
  await page.waitForFunction(() => document.querySelectorAll('.drawn circle').length === 3);
  await shot(page, 'area-keyboard');
  await page.getByRole('button', { name: 'Done' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/area=/);
  await same(page);
  assert.ok(await page.evaluate(() => document.activeElement?.dataset.area !== undefined), 'the focus is lost');
  await page.getByRole('button', { name: 'Draw again' }).click();
  await page.keyboard.press('Escape');
  assert.match(page.url(), /area=/, 'Escape lost the area that was there');
  assert.deepEqual(bad, []);
  await close();
});

test('says that edges cross, and what to do', async () => {
  const { page, close } = await open(browser, '/command');
  await ready(page);
  await page.locator('[data-tool=area]').click();
  for (const [x, y] of [
    [760, 300],
    [1180, 700],
    [1180, 300],
    [760, 700],
  ]) {
    await page.mouse.click(x, y);
  }
  await page.getByText('边线相交了').waitFor();
  assert.ok(await page.getByRole('button', { name: '完成' }).isDisabled());
  await page.getByRole('button', { name: '撤销一点' }).click();
  await page.getByText('已有 3 个角').waitFor();
  await page.getByRole('button', { name: '完成' }).click();
  await page.waitForURL(/area=/);
  // Whatever an address holds, the page says what is wrong.
  await page.goto(`${server}/command?area=113,23;113.1,23.1;113.1,23;113,23.1`);
  await page.getByText('这个范围无法统计').waitFor();
  await close();
});

test('on a phone: drawn by taps, counted in the sheet, nothing too small', async () => {
  const { page, bad, close } = await open(browser, '/command', { width: 390, height: 844 });
  await ready(page);
  await page.locator('[data-tool=area]').tap();
  await page.getByText('在地图上点出范围的各个角').waitFor();
  for (const [x, y] of [
    [90, 290],
    [260, 300],
    [200, 400],
  ]) {
    await page.touchscreen.tap(x, y);
  }
  await page.waitForFunction(() => document.querySelectorAll('.drawn circle').length === 3);
  await shot(page, 'area-phone-drawing');
  const small = await page.evaluate(
    () =>
      [...document.querySelectorAll('.area button, [data-tool]')]
        .map((x) => x.getBoundingClientRect())
        .filter((r) => r.width < 44 || r.height < 44).length,
  );
  assert.equal(small, 0, 'a button is too small for a thumb');
  await page.getByRole('button', { name: '完成' }).tap();
  await page.waitForURL(/area=/);
  await same(page);
  await shot(page, 'area-phone');
  assert.deepEqual(await axe(page), []);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(overflow, false, 'the page is wider than the screen');
  assert.deepEqual(bad, []);
  await close();
});

test('places are coloured by what is chosen, with a legend of its classes', async () => {
  const { page, bad, close } = await open(browser, '/command?layers=');
  await ready(page);
  const figures = await (
    await fetch(`${server}/api/places/${here.deployment.home}/figures`, { headers: { cookie: await session() } })
  ).json();
  for (const [word, field] of [
    ['登记人口', 'person'],
    ['重点场所', 'site'],
    ['未结事件', 'open'],
    ['超时事件', 'overdue'],
  ]) {
    await page.getByRole('radio', { name: word }).click();
    await page.waitForFunction((w) => document.querySelector('[data-ramp] .title')?.textContent === w, word);
    const known = figures.children.map((c) => c[field]).filter((n) => n !== null);
    const top = await page.locator('.rank .n').first().textContent();
    assert.equal(Number(top.replaceAll(',', '')), Math.max(...known), `the highest of ${word}`);
    const bins = await page.locator('[data-ramp] .bins li').count();
    assert.ok(bins >= Math.min(2, new Set(known).size) && bins <= 7, `${bins} classes of ${word}`);
    const hatched = figures.children.some((c) => c[field] === null);
    assert.equal((await page.locator('[data-ramp] .few').count()) > 0, hatched, `hatch of ${word}`);
    await page.waitForTimeout(400);
    await shot(page, `choropleth-${field}`);
  }
  await page.getByRole('button', { name: 'Switch to English' }).click();
  await page.waitForFunction(() => document.querySelector('[data-ramp] .title')?.textContent === 'Overdue events');
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(bad, []);
  await close();
});
