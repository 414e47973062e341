import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, colours, launch, open, out, ready, report, server, session, until } from './browser.mjs';

let browser;
let past;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
  past = await story();
});
after(() => browser?.close());

const shot = (page, name) => page.screenshot({ path: `${out}${name}.png` });
const ask = async (path) => (await fetch(server + path, { headers: { cookie: await session() } })).json();
const HOUR = 3_600_000;
const STEP = 3 * HOUR; // of the replay of a week

/** All events of a place. */
async function eventsIn(place) {
  const all = [];
  for (let before = ''; before !== null; ) {
    const page = await ask(`/api/events?place=${place}&limit=200&before=${before}`);
    all.push(...page.events);
    before = page.next;
  }
  return all;
}

/** An event of the last days that was open at one moment of the replay and closed before another, and what else was open. */
async function story() {
  const { events } = await ask('/api/events?status=closed&limit=200');
  const floor = (t) => Math.floor(t / STEP) * STEP;
  for (const event of events) {
    const [from, to] = [Date.parse(event.reportedAt), Date.parse(event.closedAt)];
    const during = floor(to);
    const later = during + STEP;
    if (!event.place || during - from < HOUR || to - during < HOUR || later > Date.now() - 20 * STEP) continue;
    if (Date.now() - from > 6 * 24 * HOUR) continue;
    const all = await eventsIn(event.place.code);
    if (all.filter((e) => Math.hypot(e.lon - event.lon, e.lat - event.lat) < 0.0005).length > 1) continue;
    const openAt = (t) =>
      all.filter(
        (e) =>
          Date.parse(e.reportedAt) < t &&
          (e.closedAt ? Date.parse(e.closedAt) >= t : !['close', 'void', 'merged'].includes(e.status)),
      );
    return { event, during, later, openAt };
  }
  throw new Error('the sample city has no event that was closed of late');
}

const text = (t) => `${new Date(t).toISOString().slice(0, 19)}Z`;
const moment = (page) => page.locator('[data-moment]').getAttribute('data-moment');
const slider = (page) => page.locator('[data-replay] input[type=range]');

/** Moves the slider by keys until it stands at a moment. */
async function moveTo(page, time) {
  await slider(page).focus();
  for (let i = 0; i < 70; i++) {
    const here = Date.parse(await moment(page));
    if (here === time) return;
    await page.keyboard.press(here < time ? 'ArrowRight' : 'ArrowLeft');
  }
  throw new Error(`the slider does not reach ${text(time)}`);
}

test('goes back, shows what was open then and nothing that came later, plays, and returns to what is now', async () => {
  const { event, during, later, openAt } = past;
  const view = `/command?place=${event.place.code}&layers=events_open&at=${event.lon},${event.lat},16.5`;
  const { page, bad, close } = await open(browser, view);
  const asked = [];
  page.on('request', (r) => {
    const url = new URL(r.url());
    if (url.pathname.startsWith('/tiles/events_open/')) asked.push(url.searchParams.get('at'));
  });
  await ready(page);
  assert.deepEqual([...new Set(asked)], [null], 'without a replay the present is asked for');
  const row = page.locator(`[data-event="${event.id}"]`);
  await page.locator('[data-tool=replay]').click();
  await page.locator('[data-replay]').getByText('不是现在').waitFor();
  assert.equal((await page.locator('.head .live').textContent()).trim(), '回放', 'nothing says that this is live');
  await page.locator('[data-span=week]').click();
  await moveTo(page, during);

  await page.locator('.events .note', { hasText: /\d\d:\d\d/ }).waitFor();
  await row.waitFor();
  const figure = page.locator('.panel', { hasText: '当时' }).first().locator('dl');
  const shown = async (label) =>
    Number(await figure.locator('div', { hasText: label }).locator('dd').first().textContent());
  await until('figures of the moment', async () => (await shown('未结')) === openAt(during).length);
  assert.equal(await figure.locator('dt', { hasText: '关爱' }).count(), 0, 'people of the past are not known');
  const listed = await page
    .locator('.events [data-event]')
    .evaluateAll((all) => all.map((x) => Number(x.dataset.event)));
  assert.deepEqual(
    listed.sort(),
    openAt(during)
      .map((e) => e.id)
      .sort(),
  );
  // The map shows it: a click where it was opens it, and its card says that it tells of now.
  await until('the event on the map', async () => {
    await page.mouse.click(960, 540);
    return new URL(page.url()).searchParams.get('card') === `event.${event.id}`;
  });
  await page.getByRole('dialog').getByText('正在回放').waitFor();
  await page.locator('[data-replay-close]').click({ trial: true }); // the card does not cover it
  await shot(page, 'replay-card');
  assert.deepEqual(await axe(page), []);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await moment(page), text(during), 'Escape closes the card first');

  await moveTo(page, later);
  await row.waitFor({ state: 'detached' });
  await until('figures of the later moment', async () => (await shown('未结')) === openAt(later).length);
  await page.locator('[data-replay][aria-busy=false]').waitFor();
  await page.mouse.click(960, 540);
  assert.equal(await page.evaluate(() => location.search.includes('card=')), false, 'it was closed by then');
  assert.match(page.url(), new RegExp(`moment=${encodeURIComponent(text(later)).replaceAll('%3A', ':')}`));

  // While the past plays, what comes now is neither on the list nor does it move the map.
  await page.locator('[data-speed=slow]').click();
  await moveTo(page, during);
  await page.keyboard.press(' ');
  await page.locator('[data-play][aria-label=暂停]').waitFor();
  const late = await report({ title: `回放期间 ${Date.now().toString(36)}`, lon: event.lon, lat: event.lat, level: 1 });
  for (let i = 0; i < 4; i++) {
    const seen = await colours(page, { x: 760, y: 340, width: 400, height: 400 });
    assert.ok(seen.size >= 8, 'a frame is blank');
    assert.equal(await page.locator(`[data-event="${late.id}"]`).count(), 0);
    assert.equal(await page.locator('.pulse').count(), 0);
  }
  await until('two more moments', async () => Date.parse(await moment(page)) >= during + 2 * STEP);
  await shot(page, 'replay-playing');
  await page.keyboard.press(' ');
  await page.locator('[data-play][aria-label=播放]').waitFor();
  const stopped = await moment(page);
  await page.locator('[data-replay][aria-busy=false]').waitFor();
  assert.equal(await moment(page), stopped, 'it plays on after it was stopped');
  const moments = asked.filter((at) => at !== null);
  assert.ok(
    moments.every((at) => Date.parse(at) % (HOUR / 2) === 0),
    'moments are asked for at whole steps',
  );

  await slider(page).press('Escape');
  await page.locator('[data-replay]').waitFor({ state: 'detached' });
  assert.equal(new URL(page.url()).searchParams.get('moment'), null);
  await page.locator(`[data-event="${late.id}"]`).waitFor({ timeout: 5000 });
  const next = await report({ title: `回放之后 ${Date.now().toString(36)}`, lon: event.lon, lat: event.lat, level: 1 });
  await page.locator(`[data-event="${next.id}"]`).waitFor({ timeout: 5000 });
  assert.equal((await page.locator('.head .live').textContent()).trim(), '实时');
  assert.deepEqual(bad, []);
  await close();
});

for (const [name, width, height, lang] of [
  ['wall', 1920, 1080, 'en'],
  ['ultra-wide', 3840, 1080, 'zh-CN'],
  ['phone', 390, 844, 'zh-CN'],
]) {
  test(`a moment that was sent opens as it was: ${name}, ${lang}`, async () => {
    const { page, bad, close } = await open(browser, `/command?lang=${lang}&moment=${text(past.during)}`, {
      width,
      height,
    });
    await ready(page);
    await page.locator('[data-replay]').waitFor();
    assert.equal(await moment(page), text(past.during));
    await page.locator('.ramp, .marks').first().waitFor();
    await page.waitForLoadState('networkidle');
    await shot(page, `replay-${name}-${lang}`);
    assert.deepEqual(await axe(page), []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
    const box = await page.locator('[data-replay]').boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= width, 'the controls are on the screen');
    await page.locator('[data-replay-close]').click();
    await page.locator('[data-replay]').waitFor({ state: 'detached' });
    assert.deepEqual(bad, []);
    await close();
  });
}
