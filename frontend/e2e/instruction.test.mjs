import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open, out, ready, server, session } from './browser.mjs';

let browser;
let here;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
  const me = await (await fetch(`${server}/api/me`, { headers: { cookie: await session('worker') } })).json();
  const [lon, lat] = me.roles.find((r) => r.place?.label).place.label;
  here = { lon, lat };
  const duty = await fetch(`${server}/api/duty`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', cookie: await session('worker') },
    body: JSON.stringify({ onDuty: true, share: true, lon, lat, datum: 'WGS84' }),
  });
  assert.equal(duty.status, 200);
});
after(() => browser?.close());

const phone = (path) =>
  open(browser, path, {
    width: 390,
    height: 844,
    as: 'worker',
    geolocation: { longitude: here.lon, latitude: here.lat, accuracy: 12 },
    permissions: ['geolocation'],
  });
const shot = (page, name) => page.screenshot({ path: `${out}${name}.png` });
const offline = (line) => /ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_FAILED/.test(line);

for (const lang of ['zh-CN', 'en']) {
  test(`an instruction is on the phone at once, acknowledged without a network, and seen at the centre, in ${lang}`, async (t) => {
    const field = await phone(`/field?lang=${lang}`);
    await field.page.waitForSelector('nav a');
    await field.page.evaluate(() => navigator.serviceWorker.ready);
    const desk = await open(browser, `/command?lang=${lang}`);
    await ready(desk.page);
    await desk.page.locator('header [data-instruct]').click();
    const card = desk.page.locator('[role=dialog][data-instruct]');
    await card.locator('textarea').fill(`请到江边值守 ${Date.now()}`);
    const text = await card.locator('textarea').inputValue();
    assert.deepEqual(await axe(desk.page), []);
    const began = Date.now();
    await card.locator('[type=submit]').click();
    await field.page.getByText(text).waitFor();
    t.diagnostic(`on the phone ${Date.now() - began} ms after it was given`);
    assert.deepEqual(await axe(field.page), []);
    await shot(field.page, `instruction-field-${lang}`);
    await card.locator('[data-read=no]').first().waitFor();
    await shot(desk.page, `instruction-command-${lang}`);
    await field.page.context().setOffline(true);
    const mine = field.page.locator('[data-instruction]', { hasText: text });
    await mine.getByRole('button').last().click();
    await mine.waitFor({ state: 'detached' });
    assert.equal(await card.locator('[data-read=yes]').count(), 0);
    await field.page.context().setOffline(false);
    await card.locator('[data-read=yes]').waitFor();
    assert.deepEqual(await axe(desk.page), []);
    assert.deepEqual(desk.bad, []);
    assert.deepEqual(
      field.bad.filter((l) => !offline(l)),
      [],
    );
    await field.close();
    await desk.close();
  });
}

test('what was given while the phone was off is there when it is on again', async () => {
  const given = await fetch(`${server}/api/instructions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: await session() },
    body: JSON.stringify({ text: `离线时下达 ${Date.now()}` }),
  });
  assert.equal(given.status, 200);
  const { id } = await given.json();
  const { page, close } = await phone('/field');
  await page.locator(`[data-instruction="${id}"]`).waitFor();
  await close();
});
