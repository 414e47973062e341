import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open, out, ready, server } from './browser.mjs';

let browser;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

const button = (page) => page.getByRole('button', { name: '用统一身份认证登录' });

test('whom an account expects comes in by the provider, and back to the view that they asked for', async () => {
  const { page, close } = await open(browser, '/command?theme=light', { as: null });
  await page.waitForURL(/\/sign-in\?to=/);
  await button(page).waitFor();
  assert.deepEqual(await axe(page), []);
  await button(page).click();
  await page.click('#huang');
  await page.waitForURL(/\/command\?theme=light/);
  await ready(page);
  const me = await page.evaluate(async () => (await fetch('/api/me')).json());
  assert.equal(me.signInName, 'clerk');
  const cookies = await page.context().cookies(server);
  assert.deepEqual(
    cookies.map((c) => [c.name, c.httpOnly, c.sameSite]),
    [['onepicture', true, 'Strict']],
    'the way leaves a cookie behind',
  );
  await close();
});

test('whom nobody expects is told so, and the code stays in no address', async () => {
  const { page, close } = await open(browser, '/sign-in?lang=en', { as: null });
  await page.getByRole('button', { name: /Sign in with/ }).click();
  await page.click('#stranger');
  await page.getByRole('alert').waitFor();
  assert.match(await page.getByRole('alert').textContent(), /no account here is linked to you/);
  assert.equal(new URL(page.url()).search, '');
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: `${out}provider-stranger.png` });
  await page.getByRole('link', { name: 'To the sign-in page' }).click();
  await button(page).waitFor();
  await close();
});

test('a way that another browser began leads nowhere', async () => {
  const first = await open(browser, '/sign-in', { as: null });
  await button(first.page).click();
  const link = await first.page.locator('#huang').getAttribute('href');
  await first.close();
  const second = await open(browser, '/sign-in', { as: null });
  await second.page.goto(link);
  await second.page.getByRole('alert').waitFor();
  assert.match(await second.page.getByRole('alert').textContent(), /请重新登录/);
  assert.deepEqual(await second.page.context().cookies(server), []);
  await second.close();
});
