import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from './browser.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test('risk: places by level, why with terms that sum, and the back-test', async () => {
  const { page } = await open(browser, '/command');
  await page.locator('[data-risk-open]').click();
  await page.locator('[data-risk] ol li').first().waitFor();
  assert.match(await page.locator('[data-risk] .advice').innerText(), /不是命令/);
  await page.locator('[data-risk-why]').click();
  await page.locator('[data-risk-terms] [data-sum]').waitFor();
  const micro = (values) => values.reduce((n, v) => n + Math.round(Number(v) * 1e6), 0);
  const terms = await page
    .locator('[data-risk-terms] [data-value]')
    .evaluateAll((list) => list.map((e) => e.dataset.value));
  const sum = await page.locator('[data-risk-terms] [data-sum]').getAttribute('data-sum');
  assert.ok(terms.length >= 2);
  assert.equal(micro(terms), micro([sum]));
  await page.keyboard.press('Escape');
  await page.locator('[data-risk-card]').waitFor({ state: 'detached' });
  await page.locator('[data-risk-proof]').click();
  await page.locator('[data-risk-proof-page] .advice').waitFor();
  await page.goBack();
  await page.locator('[data-risk-close]').click();
  await page.locator('[data-risk-open]').waitFor();
  await page.close();
});
