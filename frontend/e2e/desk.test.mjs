import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open, out, server } from './browser.mjs';

let browser;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

/** What the page says to its console when the server refuses, as it must. */
const expected = (line) => /status of 4\d\d/.test(line);
const clean = (bad) =>
  assert.deepEqual(
    bad.filter((line) => !expected(line)),
    [],
  );
const unique = () => `t${Date.now().toString(36)}`;

test('an administrator makes an account, gives it a role on a place until a day, and takes all of it away again', async () => {
  const name = unique();
  const { page, bad, close } = await open(browser, '/desk/accounts', { as: 'admin' });
  await page.locator('[data-account=clerk]').waitFor();
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: `${out}desk-accounts.png` });
  await page.fill('[name=signInName]', name);
  await page.fill('form[aria-label=新建账号] [name=name]', '新来的 <b>赵</b>');
  await page.getByRole('button', { name: '建立并生成一次性链接' }).click();
  const card = page.getByRole('article');
  await card.getByText('您还没有任何权限').waitFor();
  assert.equal(await page.locator('article b').count(), 0, 'a name became markup');
  const link = await page.locator('code').textContent();
  assert.ok(link.startsWith(`${server}/sign-in#link=`), link);

  const holder = await open(browser, link.slice(server.length), { as: null });
  await holder.page.fill('[name=new-password]', 'ein stiller Garten am Fluss');
  await holder.page.fill('[name=again]', 'ein stiller Garten am Fluss');
  await holder.page.getByRole('button', { name: '保存并登录' }).click();
  await holder.page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));

  await card.getByRole('button', { name: '授予角色' }).click();
  const dialog = page.getByRole('dialog', { name: '授予角色' });
  await dialog.locator('[name=role]').selectOption('town_duty');
  const branch = dialog.getByRole('button', { name: /^展开/ });
  await branch.first().click();
  await dialog.locator('ul ul input[type=radio]').first().check();
  await dialog.locator('[name=until]').fill('2099-12-31');
  await dialog.locator('[name=reason]').fill('接替值班');
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: `${out}desk-grant.png` });
  await dialog.getByRole('button', { name: '确定' }).click();
  await card.locator('[data-role=town_duty]').waitFor();
  const row = await card.locator('[data-role=town_duty]').textContent();
  assert.match(row, /2100年1月1日 00:00/);
  assert.match(row, /接替值班/);
  assert.match(await card.textContent(), /镇街值班员（.+）.*至 2100 年 1 月 1 日 00:00/s);
  const me = await holder.page.evaluate(async () =>
    (await (await fetch('/api/me')).json()).roles.map((r) => r.role.code),
  );
  assert.deepEqual(me, ['town_duty']);
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: `${out}desk-account.png` });

  await page.reload(); // the address tells which account
  await card.locator('[data-list=sessions]').waitFor();
  await card.getByRole('button', { name: /^撤销 · 镇街值班员/ }).click();
  const sure = page.getByRole('dialog');
  await sure.locator('[name=why]').fill('调走');
  assert.deepEqual(await axe(page), []);
  await sure.getByRole('button', { name: '确定' }).click();
  await card.getByText('还没有授权').waitFor();
  await card.getByRole('button', { name: '停用账号' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '确定' }).click();
  await card.getByText('没有打开的会话').waitFor();
  assert.equal(await holder.page.evaluate(async () => (await fetch('/api/me')).status), 401);
  await holder.close();
  clean(bad);
  await close();
});

test('what the server refuses is said in the language of the page', async () => {
  const { page, close } = await open(browser, '/desk/accounts', { as: 'admin' });
  await page.locator('[data-account=admin]').click();
  await page.getByRole('button', { name: '停用账号' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '确定' }).click();
  await page.getByText('当前账号无权这样做。').waitFor();
  await page.evaluate(() => localStorage.setItem('lang', 'en'));
  await page.reload();
  await page.getByRole('button', { name: 'Disable the account' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Confirm' }).click();
  await page.getByText('Nobody disables their own account').waitFor();
  assert.deepEqual(await axe(page), []);
  await close();
  const clerk = await open(browser, '/desk/accounts', { as: 'clerk' });
  await clerk.page.getByText('当前账号无权这样做。').waitFor();
  assert.equal(await clerk.page.locator('[data-account]').count(), 0);
  await clerk.close();
});

test('a service key is shown once, replaced and ended', async () => {
  const { page, bad, close } = await open(browser, '/desk/keys', { as: 'admin' });
  const title = unique();
  await page.locator('form [name=title]').fill(title);
  await page.locator('form [name=role]').selectOption('wall');
  await page.getByRole('radio', { name: '全部区域' }).check();
  await page.getByRole('button', { name: '建立', exact: true }).click();
  const secret = page.locator('code');
  await secret.waitFor();
  const first = await secret.textContent();
  const ask = (key) =>
    fetch(`${server}/api/deployment`, { headers: { authorization: `Bearer ${key}` } }).then((r) => r.status);
  assert.equal(await ask(first), 200);
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: `${out}desk-keys.png` });
  const row = page.locator('[data-key]', { hasText: title });
  await row.getByRole('button', { name: '更换' }).click();
  await page.waitForFunction(
    (old) => ![null, old].includes(document.querySelector('code')?.textContent ?? null),
    first,
  );
  await row.nth(1).waitFor(); // the list is read after the secret is told
  assert.equal(await row.count(), 2);
  const second = await secret.textContent();
  await row.first().getByRole('button', { name: '撤销' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '确定' }).click();
  await row.getByText('已撤销').waitFor();
  assert.equal(await ask(second), 401);
  assert.equal(await secret.count(), 0, 'the secret is still shown');
  clean(bad);
  await close();
});

test('the auditor searches what was done and verifies the chain', async () => {
  const { page, bad, close } = await open(browser, '/desk/audit', { as: 'auditor' });
  await page.locator('tbody tr').first().waitFor();
  assert.deepEqual(await axe(page), []);
  await page.getByLabel('行为').selectOption('grant');
  await page.getByRole('button', { name: '查询' }).click();
  await page.getByText('give town_duty on').first().waitFor();
  await page.getByRole('button', { name: '校验链条' }).click();
  await page.getByRole('status').getByText('链条完整').waitFor();
  assert.match(await page.locator('[data-kind=position]').textContent(), /最后位置.*3 天/s);
  assert.match(await page.locator('[data-kind=session]').textContent(), /会话.*30 天/s);
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: `${out}desk-audit.png` });
  clean(bad);
  await close();
});

test('a clerk sees people masked, and one of them in full for a purpose', async () => {
  const roles = await open(browser, '/desk', { as: 'clerk' });
  const place = await roles.page.evaluate(async () => (await (await fetch('/api/me')).json()).roles[0].place.code);
  await roles.close();
  const { page, bad, close } = await open(browser, `/desk/people?place=${place}`, { as: 'clerk' });
  const rows = page.locator('tbody tr');
  await rows.first().waitFor();
  assert.match(await rows.first().textContent(), /\*\*/);
  assert.deepEqual(await axe(page), []);
  await rows.first().getByRole('button', { name: '查看明文' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('option').first().waitFor({ state: 'attached' });
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: `${out}desk-unmask.png` });
  await dialog.getByLabel('用途').selectOption({ index: 0 });
  await dialog.getByLabel('理由').fill('入户走访');
  await dialog.getByRole('button', { name: '查看明文' }).click();
  await page.locator('tr.full').waitFor();
  assert.doesNotMatch(await page.locator('tr.full').textContent(), /\*\*/);
  assert.deepEqual(await axe(page), []);
  clean(bad);
  await close();
});

test('the desk says when it cannot be told who is there, and goes on when asked again', async () => {
  const { page, close } = await open(browser, '/desk/audit', { as: 'auditor' });
  await page.locator('nav a[aria-current]').waitFor();
  await page.route('**/api/me', (route) =>
    route.fulfill({
      status: 503,
      headers: { 'retry-after': '1' },
      contentType: 'application/problem+json',
      body: '{}',
    }),
  );
  await page.reload();
  await page.getByRole('alert').waitFor();
  assert.equal(await page.locator('nav').count(), 0);
  await page.unroute('**/api/me');
  await page.getByRole('button', { name: '重试' }).click();
  await page.locator('nav a[aria-current]').waitFor();
  await close();
});
