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

/** A device of its own, signed in by the page. */
async function device(account, to, more = {}) {
  const opened = await open(browser, `/sign-in?to=${to}`, { as: null, ...more });
  await opened.page.click(`[data-account=${account}]`);
  await opened.page.waitForURL((url) => url.pathname === to);
  return opened;
}
const inside = (page) => page.evaluate(async () => (await fetch('/api/me')).status);

test('everybody sees where they are signed in and ends one session or all others: at the map, the desk and the phone', async () => {
  // Earlier tests have signed in as the clerk too.
  const map = await device('clerk', '/command');
  await ready(map.page);
  await map.page.getByRole('button', { name: /已登录/ }).click();
  await map.page.getByRole('button', { name: '我的登录设备' }).click();
  const list = map.page.locator('[data-list=sessions] li');
  await list.first().waitFor();
  assert.equal(await map.page.locator('[data-current]').count(), 1);
  if ((await list.count()) > 1) {
    await map.page.getByRole('button', { name: '结束其他所有会话' }).click();
    await map.page.getByText('没有别的设备登录着').waitFor();
  }
  const first = await device('clerk', '/desk/sessions');
  const second = await device('clerk', '/desk/sessions');
  await second.page.locator('[data-list=sessions] li').nth(2).waitFor();
  assert.deepEqual(await axe(second.page), []);
  await second.page.screenshot({ path: `${out}my-sessions-desk.png` });
  // The oldest other one is the map's; its live page leaves by itself.
  await second.page
    .locator('[data-list=sessions] li:not([data-current])')
    .last()
    .getByRole('button', { name: /^结束/ })
    .click();
  await second.page.locator('[data-list=sessions] li').nth(2).waitFor({ state: 'detached' });
  await map.page.waitForURL(/\/sign-in/);
  assert.deepEqual([await inside(map.page), await inside(first.page), await inside(second.page)], [401, 200, 200]);

  const phone = await device('clerk', '/field', { width: 390, height: 844 });
  await phone.page.goto(`${server}/field/me`);
  await phone.page.getByRole('button', { name: '查看登录设备' }).click();
  await phone.page.locator('[data-list=sessions] li').nth(2).waitFor();
  assert.deepEqual(await axe(phone.page), []);
  await phone.page.locator('[data-mine]').scrollIntoViewIfNeeded();
  await phone.page.screenshot({ path: `${out}my-sessions-phone.png` });
  await phone.page.getByRole('button', { name: '结束其他所有会话' }).click();
  await phone.page.getByText('没有别的设备登录着').waitFor();
  assert.equal(await phone.page.locator('[data-list=sessions] li').count(), 1);
  assert.deepEqual([await inside(first.page), await inside(second.page), await inside(phone.page)], [401, 401, 200]);
  for (const d of [map, first, second, phone]) {
    assert.deepEqual(
      d.bad.filter((l) => !expected(l)),
      [],
    );
    await d.close();
  }
});

test('the list of sessions reads in English, also on a dark map', async () => {
  const { page, bad, close } = await open(browser, '/command?lang=en&theme=dark', { as: 'auditor' });
  await page.getByRole('button', { name: /^Signed in/ }).click();
  await page.getByRole('button', { name: 'Where I am signed in' }).click();
  await page.getByText('this one').waitFor();
  await page.screenshot({ path: `${out}my-sessions-map.png` });
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(bad, []);
  await close();
});
