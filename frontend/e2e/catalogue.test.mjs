import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open, out, server, session } from './browser.mjs';
import { installed } from './phone.mjs';

let browser;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

const shot = (page, name) => page.screenshot({ path: `${out}${name}.png` });
const file = (name, text) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });

const head = 'code,category,name,name_en,level,deadline_hours,duty,requires\n';

for (const lang of ['zh-CN', 'en']) {
  test(`items are found by words, pinyin and initials, and shown with their versions, in ${lang}`, async () => {
    const { page, bad, close } = await open(browser, '/desk/catalogues', { as: 'steward' });
    await page.evaluate((l) => localStorage.setItem('lang', l), lang);
    await page.reload();
    const row = page.locator('[data-item="Sa-001"]');
    await row.waitFor();
    const all = await page.locator('[role=status]').first().textContent();
    assert.match(all, /120/);
    assert.deepEqual(await axe(page), []);
    for (const typed of ['井盖', 'manhole', 'jinggai', 'jgqs', 'Sa-001']) {
      await page.locator('input[type=search]').fill(typed);
      await row.waitFor();
      assert.ok((await page.locator('[data-item]').count()) < 10, `${typed} finds too much`);
    }
    await page.locator('input[type=search]').fill('qzzz');
    await row.waitFor({ state: 'detached' });
    await page.locator('input[type=search]').fill('jg');
    await page.waitForURL(/q=jg/);
    await row.waitFor();
    await shot(page, `catalogue-${lang}`);
    await row.locator('a').press('Enter');
    const version = page.locator('[data-version="1"]');
    await version.waitFor();
    assert.match(await version.textContent(), lang === 'en' ? /within 200 m and 72 h/ : /200 米内、相隔 72 小时内/);
    assert.deepEqual(await axe(page), []);
    await shot(page, `catalogue-item-${lang}`);
    await page.goBack();
    await row.waitFor();
    assert.equal(await page.locator('input[type=search]').inputValue(), 'jg');
    assert.deepEqual(bad, []);
    await close();
  });
}

test('a file with faults is told whole and not written; a good one after a dry run, as a new version', async () => {
  const code = `E2E-${Date.now().toString(36)}`;
  const { page, bad, close } = await open(browser, '/desk/catalogues', { as: 'steward' });
  await page.locator('summary').click();
  const give = (f) => page.locator('input[type=file]').setInputFiles(f);
  const check = page.locator('form [type=submit]');
  await give(file('bad.csv', `${head}${code},fire,占道,,2,8,,\nx y,war,,,9,0,,feedback.blood\n`));
  await check.click();
  await page.locator('.faults tbody tr').nth(5).waitFor();
  assert.equal(await page.locator('.faults tbody tr').count(), 6);
  assert.equal(await page.locator('[data-import]').count(), 0);
  assert.deepEqual(await axe(page), []);
  await shot(page, 'catalogue-faults');
  for (const [hours, counts] of [
    [8, /新增 1，改版 0/],
    [12, /新增 0，改版 1/],
  ]) {
    await give(file('good.csv', `${head}${code},fire,试验占道,Trial,2,${hours},红线外由本单位负责,feedback.place\n`));
    await check.click();
    await page.locator('[data-taken]').waitFor();
    assert.match(await page.locator('[data-taken]').textContent(), /尚未写入/);
    assert.match(await page.locator('[data-taken]').textContent(), counts);
    await page.locator('[data-import]').click();
    await page.locator('[data-taken]').getByText('已导入').waitFor();
    assert.match(await page.locator('[data-taken]').textContent(), counts);
  }
  await page.locator('input[type=search]').fill('shiyanzhandao');
  await page.locator(`[data-item="${code}"] a`).click();
  await page.locator('[data-version="2"].current').waitFor();
  assert.equal(await page.locator('[data-version]').count(), 2);
  assert.deepEqual(bad, []);
  await close();
});

test('what is downloaded comes in again without a change; who may not import is not offered it', async () => {
  const cookie = await session('steward');
  for (const name of ['items.xlsx', 'items.xlsx?lang=en', 'items.csv']) {
    const body = await (await fetch(`${server}/api/${name}`, { headers: { cookie } })).arrayBuffer();
    const answer = await fetch(`${server}/api/items`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', cookie },
      body,
    });
    const taken = await answer.json();
    assert.deepEqual([answer.status, taken.faults, taken.added + taken.changed + taken.ended], [200, [], 0], name);
  }
  const { page, close } = await open(browser, '/desk/catalogues', { as: 'cityduty' });
  await page.locator('[data-item]').first().waitFor();
  assert.equal(await page.locator('input[type=file]').count(), 0);
  await close();
});

test('the phone finds an item of any kind by its initials, also without a network', async () => {
  const answer = await fetch(`${server}/api/me`, { headers: { cookie: await session('worker') } });
  const [longitude, latitude] = (await answer.json()).roles.find((r) => r.place?.label).place.label;
  const { page, bad, close } = await open(browser, '/field', {
    as: 'worker',
    width: 390,
    height: 844,
    geolocation: { longitude, latitude, accuracy: 12 },
    permissions: ['geolocation'],
  });
  await installed(page);
  await page.context().setOffline(true);
  await page.reload();
  await page.getByRole('link', { name: '上报' }).last().click();
  await page.getByRole('button', { name: '下一步' }).click();
  await page.getByRole('button', { name: '用我现在的位置' }).click();
  await page.getByText('误差约 12 米').waitFor();
  await page.getByRole('button', { name: '下一步' }).click();
  const search = page.getByLabel('找事项');
  await search.fill('qzzz');
  await page.getByText('没有这样的事项').waitFor();
  for (const typed of ['jgqs', 'jinggai', '井盖']) {
    await search.fill(typed);
    await page.getByText('井盖缺失').first().waitFor();
  }
  assert.deepEqual(await axe(page), []);
  await shot(page, 'field-what');
  await page.getByText('井盖缺失').first().click();
  await page.getByRole('heading', { name: '井盖缺失' }).waitFor();
  await page.getByRole('heading', { name: '公共安全' }).waitFor();
  assert.deepEqual(
    bad.filter((line) => !/ERR_INTERNET_DISCONNECTED|ERR_FAILED/.test(line)),
    [],
  );
  await close();
});
