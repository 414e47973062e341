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

const stamp = () => `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;
const shot = (page, name) => page.screenshot({ path: `${out}${name}.png` });
const grave = (title) => report({ title, lon: here.lon, lat: here.lat, level: 1, item: undefined });

for (const lang of ['zh-CN', 'en']) {
  test(`a grave report is assigned from its card, handed over and followed, in ${lang}`, async () => {
    const { page, bad, close } = await open(browser, `/command?lang=${lang}`);
    await ready(page);
    const event = await grave(`联调${stamp()}`);
    await page.locator(`[data-event="${event.id}"]`).click();
    await page.locator('[data-step=dispatch]').click();
    const first = page.locator('[data-worker]').first();
    await first.waitFor();
    await shot(page, `assign-${lang}`);
    assert.deepEqual(await axe(page), []);
    await first.click();
    await page.locator('[data-worker]').nth(1).click();
    await page.locator('.actions [type=submit]').click();
    await page.locator('[data-entry=dispatch]').waitFor();
    assert.equal(await page.locator('[data-entry=accept]').count(), 1);
    // Urge: a note is asked for, and stands in the timeline.
    await page.locator('[data-step=urge]').click();
    assert.equal(await page.locator('.actions [type=submit]').isDisabled(), true);
    await page.locator('.actions textarea').fill('请速到场');
    await page.locator('.actions [type=submit]').click();
    await page.locator('[data-entry=urge]').waitFor();
    await shot(page, `event-${lang}`);
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(bad, []);
    await close();
  });
}

test('two officers at once: the slower is told, sees the new state and loses nothing', async () => {
  const event = await grave(`抢派${stamp()}`);
  const a = await open(browser, `/command?card=event.${event.id}`);
  const b = await open(browser, `/command?card=event.${event.id}`);
  for (const { page } of [a, b]) {
    await ready(page);
    await page.locator('[data-step=void]').click();
    await page.locator('.actions textarea').fill('重复上报');
  }
  // The second page does not hear of the first one's step before it sends its own.
  await b.page.route('**/api/events/*', (route) =>
    route.request().method() === 'GET' ? route.abort() : route.continue(),
  );
  await a.page.locator('.actions [type=submit]').click();
  await a.page.locator('[data-entry=void]').waitFor();
  await b.page.locator('.actions [type=submit]').click();
  await b.page.locator('.actions [role=alert]').waitFor();
  await b.page.unroute('**/api/events/*');
  await b.page.reload();
  await b.page.locator('[data-entry=void]').waitFor();
  assert.equal(await b.page.locator('[data-entry=void]').count(), 1);
  await a.close();
  await b.close();
});

test('the list shows what waits and what is overdue, in the address, and gives several to one unit', async () => {
  const events = [await grave(`批量${stamp()}`), await grave(`批量${stamp()}`)];
  const { page, bad, close } = await open(browser, '/command');
  await ready(page);
  await page.locator('[data-list=waiting]').click();
  await page.waitForURL(/events=waiting/);
  await page.locator(`[data-event="${events[0].id}"]`).waitFor();
  await page.locator('[data-several]').click();
  for (const e of events) await page.locator(`[data-event="${e.id}"]`).click();
  await page.locator('[data-bulk]').click();
  await page.locator('.bulk [data-unit]').first().click();
  await shot(page, 'bulk');
  assert.deepEqual(await axe(page), []);
  await page.locator('.bulk [type=submit]').click();
  await page.locator('.bulk').getByText('2 件已派遣').waitFor();
  // What is dispatched waits no longer.
  await page.locator(`[data-event="${events[0].id}"]`).waitFor({ state: 'detached' });
  await page.locator('[data-list=overdue]').click();
  await page.waitForURL(/events=overdue/);
  await page.locator('.progress.late').first().waitFor();
  assert.equal(await page.locator('[data-event] .progress:not(.late)').count(), 0);
  assert.deepEqual(bad, []);
  await close();
});

/** A step as a phone sends it. */
async function phone(name, id, body) {
  const response = await fetch(`${server}/api/events/${id}/steps`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: await session(name) },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, await response.text());
}

test('the whole life: reported, on the wall at once, assigned, handled by the worker, verified by another desk, closed', async () => {
  const cookie = await session('worker');
  const me = await (await fetch(`${server}/api/tasks`, { headers: { cookie } })).json();
  assert.ok(me.worker, 'the sample worker has no post');
  const wall = await open(browser, '/command');
  await ready(wall.page);
  // The worker's own grid: the place of the grant.
  const mine = await (await fetch(`${server}/api/me`, { headers: { cookie } })).json();
  const code = JSON.stringify(mine).match(/\d{15}/)?.[0];
  const grid = await (await fetch(`${server}/api/places/${code}`, { headers: { cookie } })).json();
  const [lon, lat] = grid.place.label;
  const title = `全程${stamp()}`;
  const began = Date.now();
  const event = await report({ title, lon, lat, level: 1 });
  await wall.page.getByText(title).first().waitFor();
  console.log(`# on the wall after ${Date.now() - began} ms`);
  await wall.page.locator(`[data-event="${event.id}"]`).click();
  await wall.page.locator('[data-step=dispatch]').click();
  await wall.page.locator(`[data-worker="${me.worker.id}"]`).click();
  await wall.page.locator('.actions [type=submit]').click();
  await wall.page.locator('[data-entry=dispatch]').waitFor();
  const tasks = await (await fetch(`${server}/api/tasks`, { headers: { cookie } })).json();
  assert.ok(tasks.tasks.some((x) => x.event.id === event.id));
  await phone('worker', event.id, { step: 'start' });
  await wall.page.locator('[data-entry=start]').waitFor();
  await phone('worker', event.id, { step: 'feedback', note: '已处置' });
  await wall.page.locator('[data-step=verify]').click();
  await wall.page.locator('[data-entry=verify]').waitFor();
  await wall.page.locator('[data-step=close]').click();
  await wall.page.locator('[data-entry=close]').waitFor();
  await shot(wall.page, 'life');
  const line = await wall.page.locator('[data-entry]').evaluateAll((all) => all.map((x) => x.dataset.entry).reverse());
  assert.deepEqual(line, ['report', 'accept', 'dispatch', 'start', 'feedback', 'verify', 'close']);
  assert.deepEqual(wall.bad, []);
  await wall.close();
});

test('the carousel goes on by itself and stops for an event', async () => {
  const { page, close } = await open(browser, '/command');
  await ready(page);
  await page.locator('[data-walk]').click();
  await page.waitForURL(/place=\d{12}/, { timeout: 40_000 });
  await page.locator('[data-event]').first().click();
  assert.equal(await page.locator('[data-walk]').getAttribute('aria-pressed'), 'false');
  await close();
});

for (const lang of ['zh-CN', 'en']) {
  test(`two reports of the same are offered, merged and parted, in ${lang}`, async () => {
    const title = `同一处${stamp()}`;
    const lead = await grave(title);
    const event = await grave(title);
    const { page, bad, close } = await open(browser, `/command?card=event.${lead.id}&lang=${lang}`);
    await ready(page);
    const offered = page.locator(`[data-similar="${event.id}"]`);
    await offered.waitFor();
    await shot(page, `similar-${lang}`);
    assert.deepEqual(await axe(page), []);
    await offered.locator('[data-take]').click();
    const merged = page.locator(`[data-merged="${event.id}"]`);
    await merged.waitFor();
    await page.locator('[data-entry=gather]').waitFor();
    // The list shows one of the two.
    await page.locator(`[data-event="${event.id}"]`).waitFor({ state: 'detached' });
    await page.locator(`[data-event="${lead.id}"]`).waitFor();
    await shot(page, `merged-${lang}`);
    assert.deepEqual(await axe(page), []);
    await merged.locator('[data-undo]').click();
    await merged.locator('textarea').fill('不是同一处');
    await merged.locator('[type=submit]').click();
    await page.locator('[data-entry=release]').waitFor();
    await offered.waitFor();
    await page.locator(`[data-event="${event.id}"]`).waitFor();
    assert.deepEqual(bad, []);
    await close();
  });
}

test('a rule is added at the desk, suggested on the card, overridden with a reason, and ended', async () => {
  const desk = await open(browser, '/desk/rules', { as: 'steward' });
  const { page: p } = desk;
  await p.locator('[data-rule] select').first().selectOption({ index: 1 });
  const category = await p.locator('[data-rule] select').first().inputValue();
  await p.locator('[data-rule] select').nth(3).selectOption({ index: 0 });
  const unit = await p.locator('[data-rule] select').nth(3).inputValue();
  for (const form of ['[data-rule]', '[data-try]'])
    assert.equal(await p.locator(`${form} [type=submit]`).isDisabled(), true, 'no place is chosen yet');
  await p.locator('[data-rule] input[type=radio][value=""]').check();
  await p.locator('[data-rule] [type=submit]').click();
  const row = p.locator('[data-row]').last();
  await row.waitFor();
  const id = Number(await row.getAttribute('data-row'));
  await p.locator('[data-try] [type=submit]').click();
  await p.locator('[data-ruling]').waitFor();
  await p.locator('input[type=file]').setInputFiles({
    name: 'rules.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from('category,unit\nnothing,nobody\n'),
  });
  await p.locator('[data-faults] tbody tr').waitFor();
  assert.equal(await p.locator('[data-import]').count(), 0);
  await shot(p, 'rules');
  assert.deepEqual(await axe(p), []);
  await p.locator('input[type=file]').setInputFiles({
    name: 'rules.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(`category,unit\n${category},${unit}\n`),
  });
  await p.locator('[data-import]').click();
  await p.getByText('已导入： 新增 0 条，已有 1 条').waitFor();
  const event = await report({
    title: `规则${stamp()}`,
    lon: here.lon,
    lat: here.lat,
    level: 1,
    category,
    item: undefined,
  });
  const card = await open(browser, `/command?card=event.${event.id}`);
  const { page, close } = card;
  await ready(page);
  await page.locator('[data-step=dispatch]').click();
  await page.locator('[data-ruled]').waitFor();
  const worker = page.locator('[data-worker]').first();
  await worker.waitFor();
  await worker.click();
  assert.equal(await page.locator('.actions [type=submit]').isDisabled(), true, 'against the rule, without a reason');
  await page.locator('.actions textarea').fill('更近');
  await shot(page, 'against-rule');
  assert.deepEqual(await axe(page), []);
  await page.locator('.actions [type=submit]').click();
  const entry = page.locator('[data-entry=dispatch]');
  await entry.waitFor();
  assert.match(await entry.textContent(), new RegExp(`${id}[\\s\\S]*更近`));
  assert.ok(unit);
  await row.locator('[data-end]').click();
  await row.locator('[data-sure]').click();
  await row.waitFor({ state: 'detached' });
  assert.deepEqual([...desk.bad, ...card.bad], []);
  await close();
  await desk.close();
});

test('a worker shares where he is for the shift, the desk sees it on the map, and it goes when he stops', async () => {
  const where = { latitude: here.lat, longitude: here.lon };
  const phone = await open(browser, '/field/me', {
    width: 390,
    height: 844,
    as: 'worker',
    geolocation: where,
    permissions: ['geolocation'],
  });
  const { page: p } = phone;
  const share = p.locator('[data-share]');
  await share.waitFor();
  const shared = p.waitForResponse((r) => r.url().endsWith('/api/duty') && r.ok());
  await share.click();
  const { worker } = await (await shared).json();
  await shot(p, 'share');
  assert.deepEqual(await axe(p), []);
  const { page, bad, close } = await open(browser, '/command?people=on');
  await ready(page);
  const mark = page.locator(`[data-someone="${worker.id}"]`);
  await mark.waitFor({ state: 'attached' });
  assert.match(await mark.getAttribute('title'), /报位/);
  await shot(page, 'people');
  const stopped = p.waitForResponse((r) => r.url().endsWith('/api/duty') && r.ok());
  await share.click();
  await stopped;
  await page.reload();
  await ready(page);
  await page.locator('[data-someone]').first().waitFor({ state: 'attached' });
  assert.equal(await mark.count(), 0);
  assert.deepEqual([...bad, ...phone.bad], []);
  await close();
  await phone.close();
});
