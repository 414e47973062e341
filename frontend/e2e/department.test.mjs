import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open, out, ready, server, session } from './browser.mjs';

let browser;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

/** What an account gets from the server: the status, and the answer. */
async function ask(as, path) {
  const answer = await fetch(server + path, { headers: { cookie: await session(as) } });
  return { status: answer.status, body: await answer.json() };
}

test('an officer of a department sees its events alone, listed and by number, and is told so', async () => {
  const all = (await ask('cityduty', '/api/events?limit=100')).body.events;
  const owner = async (id) => (await ask('cityduty', `/api/events/${id}`)).body.department?.name;
  const owners = await Promise.all(all.map(async (e) => [e.id, await owner(e.id)]));
  const others = owners.filter(([, name]) => name !== '城市管理局').map(([id]) => id);
  assert.ok(others.length > 5 && others.length < all.length, `${others.length} of ${all.length} events are others'`);
  for (const id of others.slice(0, 5)) {
    assert.equal((await ask('officer', `/api/events/${id}`)).status, 404, `event ${id} of another department`);
  }

  const { page, bad, close } = await open(browser, '/command?lang=zh-CN', { as: 'officer' });
  await ready(page);
  await page.waitForSelector('[data-event]');
  const listed = await page.locator('[data-event]').evaluateAll((list) => list.map((e) => Number(e.dataset.event)));
  assert.ok(listed.length > 3, `${listed.length} events are listed`);
  for (const id of listed) assert.equal(await owner(id), '城市管理局', `event ${id} is listed`);
  await page.locator('[data-event]').first().click();
  await page.getByText('城市管理局').first().waitFor();
  await page.screenshot({ path: `${out}department.png` });
  const me = (await ask('officer', '/api/me')).body;
  assert.ok(me.words.some((w) => w.zh.includes('由城市管理局负责的单条记录')));
  assert.ok(me.words.some((w) => w.en.includes('records of those of Urban Management in all places')));
  assert.deepEqual(bad, []);
  await close();
});

test('an administrator is asked for the department of that role alone, and shown it afterwards', async () => {
  const { page, bad, close } = await open(browser, '/desk/accounts', { as: 'admin' });
  await page.fill('[name=signInName]', `d${Date.now().toString(36)}`);
  await page.fill('form[aria-label=新建账号] [name=name]', '部门新人');
  await page.getByRole('button', { name: '建立并生成一次性链接' }).click();
  const card = page.getByRole('article');
  await card.getByRole('button', { name: '授予角色' }).click();
  const dialog = page.getByRole('dialog', { name: '授予角色' });
  await dialog.locator('[name=role]').selectOption('clerk');
  assert.equal(await dialog.locator('[name=department]').count(), 0);
  await dialog.locator('[name=role]').selectOption('department_officer');
  await dialog.locator('[name=department]').selectOption('fire_rescue');
  await dialog.locator('ul input[type=radio]').first().check();
  await dialog.locator('[name=reason]').fill('跨镇办理');
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: `${out}desk-department.png` });
  await dialog.getByRole('button', { name: '确定' }).click();
  const row = card.locator('[data-role=department_officer]');
  await row.waitFor();
  assert.match(await row.textContent(), /消防/);
  await card.getByText(/由.*消防.*负责的单条记录/).waitFor();
  assert.deepEqual(bad, []);
  await close();
});
