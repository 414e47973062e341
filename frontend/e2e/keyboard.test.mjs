import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, ready, report, server, session, until } from './browser.mjs';
import { keeps, tabTo } from './keys.mjs';
import { openPhone, ownGrid } from './phone.mjs';

// The main jobs with the keyboard alone, from signing in on: no test here points or taps.

let browser;
let here;
before(async () => {
  browser = await launch();
  const grid = await ownGrid();
  // Some metres beside the middle, where no other event lies that might be the same.
  here = { lon: grid.lon - 0.00021 - Math.random() * 2e-4, lat: grid.lat - 0.00017 - Math.random() * 2e-4 };
});
after(() => browser?.close());

async function ask(path, as, body) {
  const answer = await fetch(server + path, {
    headers: { cookie: await session(as), 'content-type': 'application/json' },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  });
  assert.equal(answer.status, 200, `${path}: ${answer.status}`);
  return answer.json();
}

/** What the page says to its console when the server answers 401, as it must before signing in. */
const others = (bad) => bad.filter((line) => !/status of 401/.test(line));

async function signIn(page, name) {
  const { demo } = await (await fetch(`${server}/api/sign-in`)).json();
  await page.waitForSelector('[data-account]');
  await keeps(page);
  await page.keyboard.type(name);
  await tabTo(page, page.locator('[name=password]'), 1);
  await page.keyboard.type(demo.password);
  await page.keyboard.press('Enter');
}

/** Goes to a control and presses it; what it does must not lose the focus. */
async function press(
  page,
  locator,
  { key = 'Enter', limit = 60, shows = () => locator.waitFor({ state: 'detached' }) },
) {
  const presses = await tabTo(page, locator, limit);
  await page.keyboard.press(key);
  await shows();
  await keeps(page);
  return presses;
}

async function officersJob(t, size, toList) {
  const event = await report({ title: `键盘${Date.now()}`, level: 1, ...here });
  const { page, bad, close } = await open(browser, '/sign-in?to=/command', { as: null, ...size });
  await signIn(page, 'cityduty');
  await page.waitForURL(/\/command/);
  await ready(page);

  const row = page.locator(`[data-event="${event.id}"]`);
  const card = page.getByRole('dialog');
  await toList(page);
  await row.waitFor();
  t.diagnostic(`${await press(page, row, { limit: 12, shows: () => card.waitFor() })} × Tab to the event`);
  const step = (name) => page.locator(`[data-step=${name}]`);
  const entry = (name) => () => page.locator(`[data-entry=${name}]`).waitFor();
  await step('accept').waitFor();
  await press(page, step('accept'), { shows: entry('accept') });
  await step('accept').waitFor({ state: 'detached' });
  await keeps(page);
  // Thinking better of it leads back to the step.
  await press(page, step('dispatch'), { limit: 5, shows: () => page.locator('.actions form').waitFor() });
  const worker = page.locator('[data-worker]').first();
  await worker.waitFor();
  const form = page.locator('.actions form');
  await press(page, form.locator('button').nth(-2), { shows: () => form.waitFor({ state: 'detached' }) });
  await press(page, step('dispatch'), { limit: 5, shows: () => worker.waitFor() });
  await press(page, worker, {
    limit: 5,
    key: 'Space',
    shows: () => page.locator('[data-worker][aria-pressed=true]').waitFor(),
  });
  await press(page, form.locator('[type=submit]'), { shows: entry('dispatch') });
  await step('dispatch').waitFor({ state: 'detached' });
  await keeps(page);
  await page.keyboard.press('Escape');
  await card.waitFor({ state: 'detached' });
  await keeps(page);
  assert.ok(await row.evaluate((e) => e === document.activeElement), 'the focus is not where the card was opened from');
  const { status } = await ask(`/api/events/${event.id}`, 'cityduty');
  assert.equal(status, 'dispatch');
  assert.deepEqual(others(bad), []);
  await close();
}

test('the duty officer signs in, opens an event of the live list, accepts and dispatches it, and closes the card', (t) =>
  officersJob(t, {}, async (page) => {
    // The second thing that the keyboard reaches leads to the live list.
    await page.locator('[data-event]').first().waitFor();
    const list = page.locator('#events');
    await press(page, page.locator('a[href="#events"]'), {
      limit: 2,
      shows: () => list.and(page.locator(':focus')).waitFor(),
    });
  }));

test('the same on a screen of which half the width and height is left, as with text at 200 %', (t) =>
  officersJob(t, { width: 960, height: 540 }, async (page) => {
    await tabTo(page, page.getByRole('tab', { selected: true }));
    await tabTo(page, page.getByRole('tab', { name: '事件' }), 2, 'ArrowRight');
  }));

test('a row that leaves the live list by itself gives the focus to its neighbour', async () => {
  const [stays, leaves] = [
    await report({ title: `留下${Date.now()}`, level: 1, ...here }),
    await report({ title: `离开${Date.now()}`, level: 1, ...here }),
  ];
  const { page, bad, close } = await open(browser, '/command?events=open');
  await ready(page);
  const row = (event) => page.locator(`[data-event="${event.id}"]`);
  await row(stays).waitFor();
  await row(leaves).focus();
  const { version } = await ask(`/api/events/${leaves.id}`, 'cityduty');
  await ask(`/api/events/${leaves.id}/steps`, 'cityduty', { step: 'void', version, reason: '误报' });
  await row(leaves).waitFor({ state: 'detached' });
  await keeps(page);
  assert.ok(await page.evaluate(() => document.activeElement.matches('[data-event]')), 'no row has the focus');
  assert.deepEqual(bad, []);
  await close();
});

test('a card of what the list does not show leads back to the map', async () => {
  const event = await report({ title: `键盘${Date.now()}`, level: 1, ...here });
  const { page, bad, close } = await open(browser, `/command?events=overdue&card=event.${event.id}`);
  await ready(page);
  await page.locator('[data-step=accept]').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await keeps(page);
  assert.deepEqual(bad, []);
  await close();
});

test('the grid worker signs in on the phone, reports without a photo and it is sent', async () => {
  const { page, bad, close } = await openPhone(browser, here, '/sign-in?to=/field', { as: null });
  await signIn(page, 'worker');
  await page.waitForURL(/\/field/);
  const named = (name, role = 'button') => page.getByRole(role, { name, exact: true });
  const heading = (name) => () => page.getByRole('heading', { name }).waitFor();
  const report = page.locator('main a[href="/field/report"]').first();
  await report.waitFor();
  await press(page, report, { shows: heading('拍照') });
  await press(page, named('下一步'), { limit: 5, shows: heading('在哪里') });
  await press(page, named('用我现在的位置'), { limit: 5, shows: () => page.getByText('误差约 12 米').waitFor() });
  await press(page, named('下一步'), { limit: 6, shows: () => page.getByText('哪一类').waitFor() });
  // Moving within the group chooses nothing yet.
  const kinds = page.locator('.categories input');
  await tabTo(page, kinds.first(), 4);
  await tabTo(page, kinds.nth(2), 2, 'ArrowDown');
  await page.keyboard.press('Space');
  await named('换一类').waitFor();
  await keeps(page);
  const items = page.locator('fieldset input');
  await tabTo(page, items.first(), 4);
  await tabTo(page, items.last(), 20, 'ArrowDown');
  await page.keyboard.press('Space');
  await items.first().waitFor({ state: 'detached' });
  await keeps(page);
  const text = `键盘上报${Date.now()}`;
  await tabTo(page, page.locator('textarea'), 4);
  await page.keyboard.type(text);
  const other = named('不是同一件，继续上报');
  if (await other.isVisible()) await press(page, other, {});
  await press(page, named('上报'), { shows: () => page.getByText(/已送达，编号 \d+/).waitFor() });
  const { events } = await ask('/api/events?limit=50', 'cityduty');
  assert.equal(events.filter((e) => e.title === text).length, 1);
  assert.deepEqual(others(bad), []);
  await close();
});

test('the grid worker takes over a task, is there and feeds back', async () => {
  const { worker } = await ask('/api/tasks', 'worker');
  const title = `键盘任务${Date.now()}`;
  const { id } = await report({ title, level: 1, ...here });
  const { version } = await ask(`/api/events/${id}`, 'cityduty');
  await ask('/api/events/assign', 'cityduty', { events: [{ id, version }], assignees: [{ worker: worker.id }] });

  const { page, bad, close } = await openPhone(browser, here, '/field');
  const task = page.locator(`.task > a[href="/field/task/${id}"]`);
  await task.waitFor();
  const button = (name) => page.getByRole('button', { name, exact: true });
  await press(page, task, { shows: () => button('我接了').waitFor() });
  await press(page, button('我接了'), { limit: 4 });
  await press(page, button('我到了'), { limit: 4 });
  await press(page, button('办好了'), { limit: 4 });
  await tabTo(page, page.getByLabel('说明'), 2);
  await page.keyboard.type('已清理');
  await press(page, button('确定'), { limit: 6 });
  await until('the feedback', async () => {
    const { timeline } = await ask(`/api/events/${id}`, 'cityduty');
    return timeline.some((e) => e.step === 'feedback');
  });
  assert.deepEqual(bad, []);
  await close();
});
