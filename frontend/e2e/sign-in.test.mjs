import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open, out, ready, report, server, session, somewhere } from './browser.mjs';

let browser;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

/** What the page says to its console when the server answers 401, as it must. */
const expected = (line) => /status of 401/.test(line);

test('whoever is not signed in is sent to the sign-in page, and from there back to the view', async () => {
  for (const [lang, width, height] of [
    ['zh-CN', 1280, 900],
    ['en', 390, 844],
  ]) {
    const { page, bad, close } = await open(browser, `/command?theme=light&lang=${lang}`, { width, height, as: null });
    await page.waitForURL(/\/sign-in\?to=/);
    await page.waitForSelector('[data-account=cityduty]');
    await page.screenshot({ path: `${out}sign-in-${lang}.png`, fullPage: true });
    assert.equal(await page.locator('html').getAttribute('lang'), lang);
    assert.deepEqual(await axe(page), []);
    await page.click('[data-account=cityduty]');
    await page.waitForURL(/\/command\?theme=light/);
    await ready(page);
    assert.deepEqual(
      bad.filter((l) => !expected(l)),
      [],
    );
    await close();
  }
});

test('a wrong password says what to do; the right one signs in by keyboard', async () => {
  const { page, bad, close } = await open(browser, '/sign-in', { as: null });
  await page.waitForSelector('[data-account]');
  await page.keyboard.type('townduty');
  await page.keyboard.press('Tab');
  await page.keyboard.type('not the password');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  assert.deepEqual(await axe(page), []);
  await page.fill('[name=password]', 'look-at-one-map');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${server}/`);
  await ready(page);
  assert.deepEqual(
    bad.filter((l) => !expected(l)),
    [],
  );
  await close();
});

test('the header tells who is signed in and their rights; signing out ends the page and its session', async () => {
  const { page, bad, close } = await open(browser, '/sign-in?to=/command', { as: null });
  await page.click('[data-account=clerk]');
  await ready(page);
  const [cookie] = await page.context().cookies();
  assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict', JSON.stringify(cookie));
  assert.equal(await page.evaluate(() => document.cookie), '', 'a script reads the session');
  await page.getByRole('button', { name: /已登录/ }).click();
  const rights = page.getByRole('region', { name: '我的权限' });
  assert.match(await rights.textContent(), /社区专员（.+）.+计数.+单条记录/s);
  await page.screenshot({ path: `${out}rights.png` });
  assert.deepEqual(await axe(page), []);
  await rights.getByRole('button', { name: '退出' }).click();
  await page.waitForURL(/\/sign-in/);
  const status = await fetch(`${server}/api/me`, { headers: { cookie: `${cookie.name}=${cookie.value}` } });
  assert.equal(status.status, 401, 'the session lives on');
  assert.deepEqual(
    bad.filter((l) => !expected(l)),
    [],
  );
  await close();
});

test('a clerk’s page opens at the own place; of places beyond it no number is told', async () => {
  const { page, bad, close } = await open(browser, '/command', { as: 'clerk' });
  await ready(page);
  const headers = { cookie: await session('clerk') };
  const get = async (path) => (await fetch(server + path, { headers })).json();
  const { roles } = await get('/api/me');
  const { place } = roles.find((r) => r.place);
  await page.getByRole('heading', { name: place.name, exact: true }).waitFor();
  const { path } = await get(`/api/places/${place.code}`);
  await page.goto(`${server}/command?place=${path[0].code}&by=open`);
  await ready(page);
  const rows = page.locator('.rank ol li');
  await rows.nth(2).waitFor();
  const figures = await rows.locator('.n').allTextContents();
  const own = await rows.locator('.name').allTextContents();
  for (const [i, text] of figures.entries()) {
    assert.equal(text.trim() === '—', own[i].trim() !== path[1].name, `${own[i]}: ${text}`);
  }
  assert.match(await rows.last().locator('small').textContent(), /看不到/);
  assert.deepEqual(bad, []);
  await close();
});

test('what people type is shown as they typed it, and runs nothing', async () => {
  const here = await somewhere();
  const attack = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>{{constructor.constructor('document.title=1')()}}`;
  const event = await report({
    title: attack.slice(0, 110),
    description: attack,
    address: attack.slice(0, 110),
    lon: here.lon,
    lat: here.lat,
  });
  const { page, bad, close } = await open(browser, `/command?card=event.${event.id}`);
  await ready(page);
  await page.waitForFunction(() => document.body.textContent.includes('onerror='));
  assert.equal(await page.locator('img[src=x], #app script').count(), 0, 'it became markup');
  assert.ok(!(await page.title()).includes('owned'));
  await page.getByRole('button', { name: /已登录/ }).click();
  assert.deepEqual(bad, []);
  await close();
});

test('a page whose session ends elsewhere goes to the sign-in page by itself', async () => {
  const { page, close } = await open(browser, '/sign-in?to=/command', { as: null });
  await page.click('[data-account=analyst]');
  await ready(page);
  const [{ name, value }] = await page.context().cookies();
  await fetch(`${server}/api/sign-out`, {
    method: 'POST',
    headers: { cookie: `${name}=${value}`, 'content-type': 'application/json' },
    body: '{}',
  });
  await page.waitForURL(/\/sign-in\?to=/, { timeout: 10_000 });
  await close();
});
