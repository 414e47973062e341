import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open, out, server, session, until } from './browser.mjs';
import { serve } from './serve.mjs';

let browser;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

const answer = async (base, path, cookie) => {
  const response = await fetch(base + path, { headers: { cookie } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
};

test('risk: places by level, why with terms that sum, and the back-test', async () => {
  const { page, bad } = await open(browser, '/command');
  await page.locator('[data-risk-open]').click();
  await page.locator('[data-risk] ol li').first().waitFor();
  assert.match(await page.locator('[data-risk] .advice').textContent(), /不是命令/);
  await page.locator('[data-risk-why]').click();
  await page.locator('[data-risk-terms] [data-sum]').waitFor();
  const micro = (values) => values.reduce((n, v) => n + Math.round(Number(v) * 1e6), 0);
  const terms = await page
    .locator('[data-risk-terms] [data-value]')
    .evaluateAll((list) => list.map((e) => e.dataset.value));
  const sum = await page.locator('[data-risk-terms] [data-sum]').getAttribute('data-sum');
  assert.ok(terms.length >= 2);
  assert.equal(micro(terms), micro([sum]));
  assert.deepEqual(await axe(page), []);
  await page.keyboard.press('Escape');
  await page.locator('[data-risk-card]').waitFor({ state: 'detached' });
  await page.locator('[data-risk-proof]').click();
  await page.locator('[data-risk-proof-page] .advice').waitFor();
  await page.goBack();
  await page.locator('[data-risk-close]').click();
  await page.locator('[data-risk-open]').waitFor();
  assert.deepEqual(bad, []);
  await page.close();
});

test('risk: beside last week, the film of 90 days, and hatch where there is not enough data', async () => {
  const { page, bad, close } = await open(browser, '/command?risk=city.7');
  const panel = page.locator('[data-risk]');
  await panel.locator('ol li').first().waitFor();
  const root = await answer(server, '/api/risk?category=city&horizon=7', await session());
  assert.match(await panel.locator('.own').textContent(), /比上周|与上周相同/);
  assert.equal(root.children.length, await panel.locator('ol li').count());
  for (const row of await panel.locator('ol li small').allTextContents()) assert.match(row, /比上周|与上周相同/);
  await panel.getByRole('button', { name: '近 90 天回放' }).click();
  await page
    .getByText(/\d{4}-\d\d-\d\d 当时的估计/)
    .first()
    .waitFor();
  const day = () =>
    page
      .getByText(/当时的估计/)
      .first()
      .textContent();
  const first = await day();
  await page.waitForFunction((was) => !document.body.textContent.includes(was), first);
  assert.ok((await day()) > first, 'the film does not go forward');
  await panel.getByRole('button', { name: '停止回放' }).click();
  await page.getByText('同级平均为 4–5', { exact: false }).first().waitFor();
  // A town has villages of which too little is known: a question mark and hatch, never a colour that looks calm.
  const weak = await (async () => {
    for (const town of root.children) {
      const view = await answer(
        server,
        `/api/risk?place=${town.place.code}&category=dispute&horizon=7`,
        await session(),
      );
      const unknown = view.children.filter((c) => c.band === null).length;
      if (unknown > 0) return { code: town.place.code, unknown };
    }
    return null;
  })();
  assert.ok(weak, 'in a small city nobody knows everything');
  await page.goto(`${server}/command?place=${weak.code}&risk=dispute.7`);
  await panel.locator('ol li .band.none').first().waitFor();
  assert.equal(await panel.locator('ol li .band.none').count(), weak.unknown);
  assert.deepEqual(
    (await panel.locator('ol li .band.none').allTextContents()).map((t) => t.trim()),
    Array(weak.unknown).fill('?'),
  );
  await page.locator('.few').first().waitFor(); // the legend's hatch, in words
  assert.deepEqual(bad, []);
  await close();
});

test('risk: an address with a category that nobody knows opens the first one', async () => {
  const { page, bad, close } = await open(browser, '/command?risk=all.7');
  await page.locator('[data-risk] ol li').first().waitFor();
  assert.equal(
    await page.locator('[data-risk] select').inputValue(),
    (await answer(server, '/api/risk?horizon=7', await session())).category,
  );
  assert.deepEqual(bad, []);
  await close();
});

test('risk: an objection stands beside the score, and nobody sees risk beyond their places', async () => {
  const cookie = await session('clerk');
  const { roles } = await answer(server, '/api/me', cookie);
  const mine = roles.find((r) => r.place).place.code;
  const { page, bad, close } = await open(browser, `/command?place=${mine}&risk=city.7.why`, { as: 'clerk' });
  const words = `重复上报${Date.now().toString(36)}`;
  await page.locator('[data-risk-card] textarea').fill(words);
  await page.locator('[data-risk-card] form button').click();
  await page.locator('[data-risk-card] li', { hasText: words }).waitFor();
  await page.locator('[data-risk-card]').getByText('已记录', { exact: false }).waitFor();
  const { objections, expected } = await answer(server, `/api/risk/${mine}?category=city&horizon=7`, cookie);
  const told = objections.find((o) => o.reason === words);
  assert.equal(told.score, expected);
  assert.deepEqual(bad, []);
  await close();
  const towns = (await answer(server, '/api/risk?category=city&horizon=7', await session())).children;
  const elsewhere = towns.find((t) => !mine.startsWith(t.place.code.slice(0, 9))).place.code;
  const refused = await fetch(`${server}/api/risk/${elsewhere}?category=city`, { headers: { cookie } });
  assert.equal(refused.status, 404);
  const seen = (await answer(server, '/api/risk?category=city&horizon=7', cookie)).children;
  assert.ok(seen.length < towns.length && seen.every((c) => mine.startsWith(c.place.code.slice(0, 9))));
});

test('risk: a source is silent for a week: alarm, wider ranges, a lower grade, and no calm', async () => {
  const drill = await serve({ people: 60_000, more: ['--silent', 'grid_reports'] }); // the same city otherwise
  const base = drill.url;
  try {
    const cookie = await session('cityduty', base);
    const view = (from, who) => until('the estimate', () => answer(from, '/api/risk?category=city&horizon=7', who));
    const [spoken, silent] = [await view(server, await session()), await view(base, cookie)];
    assert.deepEqual([spoken.alarms, silent.alarms.map((a) => [a.code, a.days])], [[], [['grid_reports', 7]]]);
    assert.ok(silent.place.silent > 0.3, `only ${silent.place.silent} of what is usual is missing`);
    assert.ok(silent.place.grade > spoken.place.grade, `grade ${spoken.place.grade} became ${silent.place.grade}`);
    const width = (v) => (v.place.high - v.place.low) / v.place.expected;
    assert.ok(width(silent) > width(spoken), 'the range is no wider');
    assert.ok(silent.place.expected > 0.97 * spoken.place.expected, 'silence looks like peace');
    for (const [name, from] of [
      ['spoken', server],
      ['silent', base],
    ]) {
      const { page, bad, close } = await open(browser, '/command?risk=city.7', { base: from });
      await page.locator('[data-risk] ol li').first().waitFor();
      const alarm = page.locator('[data-risk-alarm]');
      if (from === base) {
        assert.match(await alarm.first().textContent(), /网格巡查上报.*7 天没有数据.*没有消息不等于没有事/);
        assert.deepEqual(await axe(page), []);
      } else assert.equal(await alarm.count(), 0);
      await page.locator('[data-risk]').screenshot({ path: `${out}risk-${name}.png` });
      await page.screenshot({ path: `${out}risk-${name}-wall.png` });
      assert.deepEqual(bad, []);
      await close();
    }
  } finally {
    await drill.remove();
  }
});
