import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launch, open, out, ready, server, session } from './browser.mjs';
import { installed, offlineWords, openPhone, ownGrid, photo, report } from './phone.mjs';

// The day of a duty officer and of a grid worker: two browsers, one server.

const program = new URL('../../bin/onepicture', import.meta.url).pathname;
let browser;
let here;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
  // Some metres beside the middle of the worker's grid: no other event's mark lies there.
  const grid = await ownGrid();
  here = { lon: grid.lon + 0.00021 + Math.random() * 2e-4, lat: grid.lat + 0.00017 + Math.random() * 2e-4 };
});
after(() => browser?.close());

const shot = (page, name) => page.screenshot({ path: `${out}${name}.png` });
async function get(path, as = 'cityduty') {
  const response = await fetch(server + path, { headers: { cookie: await session(as) } });
  assert.equal(response.status, 200, `${path}: ${response.status}`);
  return response.json();
}

/** Finds the event's mark on the map, whose middle it lies in, and opens it. */
async function openOnMap(page, title) {
  const tip = page.locator('.tip', { hasText: title });
  for (let i = 0; !(await tip.isVisible()); i++) {
    assert.ok(i < 100, 'the event has no mark on the map');
    await page.mouse.move(960 + (i % 3), 540 + (i % 2));
    await page.evaluate(() => new Promise(requestAnimationFrame));
    await tip.waitFor({ timeout: 200 }).catch(() => undefined);
  }
  await page.mouse.down();
  await page.mouse.up();
  await page.getByRole('dialog').getByRole('heading', { name: title }).waitFor();
}

async function assign(page, worker) {
  await page.locator('[data-step=dispatch]').click();
  await page.locator(`[data-worker="${worker}"]`).click();
  await page.locator('.actions [type=submit]').click();
  await page.locator('[data-entry=dispatch]').waitFor();
}

/** The worker's part: takes it over, is there, feeds back with a photo. */
async function handle(page, title) {
  const card = page.locator('.task', { hasText: title });
  await card.waitFor();
  await card.getByRole('button', { name: '我接了' }).click();
  await card.getByRole('button', { name: '我到了' }).click();
  await card.getByRole('link', { name: '看详情' }).click();
  await page.getByRole('button', { name: '办好了' }).click();
  await page.getByLabel('说明').fill('已清理，路面恢复');
  await page.setInputFiles('label:has-text("拍处置后") input', photo());
  await page.locator('.photos img').last().waitFor();
  await page.getByRole('button', { name: '确定' }).click();
}

async function finish(page) {
  for (const step of ['verify', 'close']) {
    await page.locator(`[data-step=${step}]`).click();
    await page.locator(`[data-entry=${step}]`).waitFor();
  }
}

/** The officer sees both photos, told in words, and opens one large by keyboard. */
async function seesPhotos(page) {
  const links = page.locator('[data-photos] a');
  await links.nth(1).waitFor();
  const alt = await links.locator('img').evaluateAll((all) => all.map((x) => x.alt));
  assert.match(alt.join(' | '), /^照片 1，上报时，.+ \| 照片 2，处置后，/);
  await links.first().focus();
  const [large] = await Promise.all([page.waitForEvent('popup'), page.keyboard.press('Enter')]);
  await large.waitForLoadState();
  assert.match(large.url(), /\/api\/photos\/\d+\/large$/);
  assert.ok(await large.evaluate(() => document.images[0]?.naturalWidth > 0), 'the large picture is not shown');
  await large.close();
}

test('the day: reported offline with a photo, on the wall, assigned from the map, handled on the phone, verified, closed', async (t) => {
  const { worker } = await get('/api/tasks', 'worker');
  const wall = await open(browser, `/command?at=${here.lon.toFixed(5)},${here.lat.toFixed(5)},17.00`);
  await ready(wall.page);
  const phone = await openPhone(browser, here, '/field');
  await installed(phone.page);

  await phone.page.context().setOffline(true);
  const title = `断网积水${Date.now()}`;
  await report(phone.page, title);
  await phone.page.getByText('没有网络 · 1 条已存好').waitFor();
  assert.equal(await wall.page.getByText(title).count(), 0);
  const began = Date.now();
  await phone.page.context().setOffline(false);
  await wall.page.locator('.events b', { hasText: title }).waitFor();
  const took = Date.now() - began;
  t.diagnostic(`on the wall ${took} ms after the network came back`);
  assert.ok(took < 1000, `${took} ms`);
  const { events } = await get('/api/events?limit=50');
  const mine = events.filter((e) => e.title === title);
  assert.equal(mine.length, 1);
  const { id } = mine[0];

  await openOnMap(wall.page, title);
  await assign(wall.page, worker.id);
  await phone.page.getByRole('link', { name: '今天' }).click();
  await handle(phone.page, title);
  await wall.page.locator('[data-entry=feedback]').waitFor();
  await finish(wall.page);
  await seesPhotos(wall.page);
  await shot(wall.page, 'day');

  // The timeline names each step, who took it and when, and where the worker was.
  const lines = await wall.page.locator('[data-entry]').evaluateAll((all) =>
    all.reverse().map((x) => ({
      step: x.dataset.entry,
      word: x.querySelector('b').textContent.trim(),
      when: x.querySelector('time').dateTime,
      who: x.querySelector('span').textContent.trim(),
      where: x.querySelector('[data-where]')?.textContent.trim() ?? '',
    })),
  );
  assert.deepEqual(
    lines.map((x) => x.step),
    ['report', 'accept', 'dispatch', 'start', 'arrive', 'feedback', 'verify', 'close'],
  );
  for (const [i, line] of lines.entries()) {
    assert.ok(line.word && line.word !== line.step, `${line.step} has no word`);
    assert.ok(line.who, `${line.step} names nobody`);
    assert.ok(i === 0 || line.when >= lines[i - 1].when, `${line.step} stands before what came before it`);
  }
  assert.match(lines.find((x) => x.step === 'arrive').where, /在现场/);
  assert.notEqual(lines.find((x) => x.step === 'feedback').who, lines.find((x) => x.step === 'verify').who);
  const { photos } = await get(`/api/events/${id}/photos`);
  assert.deepEqual(photos.map((p) => p.role).sort(), ['after', 'report']);
  assert.deepEqual(wall.bad, []);
  assert.deepEqual(
    phone.bad.filter((l) => !offlineWords(l)),
    [],
  );
  await phone.close();
  await wall.close();
});

test('a citizen’s report is handled the same way; the citizen follows and rates it, and the officer reads how', async () => {
  const key = (await promisify(execFile)(program, ['account', 'key', 'create', '市民热线', 'city_duty'])).stdout.match(
    /op1_\S+/,
  )[0];
  const [service] = await get('/open311/v2/services.json');
  const filed = await fetch(`${server}/open311/v2/requests.json`, {
    method: 'POST',
    body: new URLSearchParams({
      api_key: key,
      service_code: service.service_code,
      lat: String(here.lat),
      long: String(here.lon),
      description: '楼下路灯不亮',
    }),
  });
  assert.equal(filed.status, 200, await filed.clone().text());
  const [{ service_request_id: number, follow_code: code }] = await filed.json();

  const { worker } = await get('/api/tasks', 'worker');
  const wall = await open(browser, `/command?card=event.${number}`);
  await ready(wall.page);
  await assign(wall.page, worker.id);
  const phone = await openPhone(browser, here, `/field/task/${number}`);
  await phone.page.getByRole('button', { name: '我接了' }).click();
  await phone.page.getByRole('button', { name: '办好了' }).click();
  await phone.page.getByLabel('说明').fill('灯已换');
  await phone.page.setInputFiles('label:has-text("拍处置后") input', photo());
  await phone.page.getByRole('button', { name: '确定' }).click();
  await wall.page.locator('[data-entry=feedback]').waitFor();

  const citizen = await open(browser, '/follow', { width: 390, height: 844, as: null });
  await citizen.page.getByLabel('受理编号').fill(number);
  await citizen.page.getByLabel('查询码').fill(code);
  await citizen.page.getByRole('button', { name: '查看进度' }).click();
  await citizen.page.locator('li').nth(3).waitFor();
  assert.equal(await citizen.page.locator('.stars').count(), 0, 'nothing is rated before it is closed');
  await finish(wall.page);
  await citizen.page.getByRole('button', { name: '查看进度' }).click();
  await citizen.page.locator('.stars label').nth(3).click();
  await citizen.page.getByRole('textbox').last().fill('很快');
  await citizen.page.locator('.rate [type=submit]').click();
  await citizen.page.locator('.thanks').waitFor();
  await shot(citizen.page, 'follow-rated');

  await wall.page.reload();
  await wall.page
    .locator('[data-rating]')
    .getByText(/4.*很快/)
    .waitFor();
  assert.deepEqual([...wall.bad, ...phone.bad, ...citizen.bad], []);
  await Promise.all([wall.close(), phone.close(), citizen.close()]);
});
