import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { launchKept, signIn } from './browser.mjs';
import { draft, installed, ownGrid, phoneLike, report } from './phone.mjs';
import { serve } from './serve.mjs';

// What is written on the phone arrives: in a real Chromium with a profile on the disk, against a server of its own.

const REPORTS = 200;
let own;
let profile;
let cookie;
let here;
before(async () => {
  own = await serve();
  profile = await mkdtemp(`${tmpdir()}/onepicture-phone-`);
  cookie = await signIn('worker', own.url);
  here = await ownGrid(own.url, cookie);
});
after(async () => {
  await own?.remove();
  await rm(profile, { recursive: true, force: true });
});

/** The phone switched on: the same profile each time. */
async function turnOn() {
  const context = await launchKept(profile, phoneLike(here));
  const [name, value] = cookie.split('=');
  await context.addCookies([{ name, value, url: own.url, httpOnly: true, sameSite: 'Strict' }]);
  return context;
}

const get = async (path) => {
  const answer = await fetch(own.url + path, { headers: { cookie } });
  assert.equal(answer.status, 200, path);
  return answer.json();
};

/** What the phone's database holds, by state. */
const kept = (page) =>
  page.evaluate(async () => {
    const db = await new Promise((resolve, reject) => {
      const asked = indexedDB.open('onepicture-field');
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    const all = (store) =>
      new Promise((resolve) => {
        const asked = db.transaction(store).objectStore(store).getAll();
        asked.onsuccess = () => resolve(asked.result);
      });
    const [items, photos, drafts] = await Promise.all(['items', 'photos', 'drafts'].map(all));
    db.close();
    return { items, photos: photos.length, drafts: drafts.length };
  });

/** Copies the report that the page has made: each copy is an own report with an own key and photo. */
const copy = (page, n) =>
  page.evaluate(async (n) => {
    const db = await new Promise((resolve) => {
      const asked = indexedDB.open('onepicture-field');
      asked.onsuccess = () => resolve(asked.result);
    });
    const tx = db.transaction(['items', 'photos'], 'readwrite');
    const read = (asked) => new Promise((resolve) => (asked.onsuccess = () => resolve(asked.result)));
    const [item] = await read(tx.objectStore('items').getAll());
    const [picture] = await read(tx.objectStore('photos').getAll());
    for (let i = 1; i < n; i++) {
      const key = `${item.key.slice(0, 24)}${String(i).padStart(8, '0')}`;
      tx.objectStore('photos').put({ ...picture, id: `${key}-p` });
      tx.objectStore('items').put({
        ...item,
        key,
        at: item.at + i,
        body: { ...item.body, title: `${item.body.title}-${i}` },
        photos: [`${key}-p`],
      });
    }
    await new Promise((resolve) => (tx.oncomplete = resolve));
    db.close();
  }, n);

test(`${REPORTS} reports made offline: network flapping, app killed, server restarted; each arrives exactly once with its photo`, async (t) => {
  let phone = await turnOn();
  let page = await phone.newPage();
  await page.goto(`${own.url}/field`);
  await installed(page);
  await phone.setOffline(true);
  const title = `离线${Date.now()}`;
  await report(page, title);
  await copy(page, REPORTS);
  await page.reload();
  await page.getByText(`没有网络 · ${REPORTS} 条已存好`).waitFor();

  // Until all is sent: on and off again, each time a little longer on; and twice something worse.
  const began = Date.now();
  const left = async () => (await kept(page)).items.filter((i) => i.state !== 'sent').length;
  let killed = false;
  let restarted = false;
  let flaps = 0;
  for (let rest = REPORTS; rest > 0; flaps++) {
    await phone.setOffline(false);
    const seen = rest;
    // It is cut off wherever it is just then, as soon as some have gone.
    const until = Date.now() + 1500;
    while (rest > seen - 25 && rest > 0 && Date.now() < until) rest = await left();
    await phone.setOffline(true);
    rest = await left();
    if (!killed && rest < REPORTS * 0.7) {
      killed = true;
      await phone.setOffline(false);
      await phone.close();
      phone = await turnOn();
      page = await phone.newPage();
      await page.goto(`${own.url}/field`);
      await page.waitForSelector('nav a');
    }
    if (!restarted && rest < REPORTS * 0.4) {
      restarted = true;
      await phone.setOffline(false);
      await own.stop();
      await own.start();
    }
    assert.ok(Date.now() - began < 240_000, `${rest} are still unsent`);
  }
  assert.ok(killed && restarted);
  t.diagnostic(`all sent after ${Math.round((Date.now() - began) / 1000)} s and ${flaps} interruptions`);
  await phone.setOffline(false);

  const { items, photos } = await kept(page);
  assert.equal(items.length, REPORTS);
  assert.deepEqual([...new Set(items.map((i) => i.state))], ['sent']);
  assert.equal(photos, 0, 'photos that have arrived are still on the phone');
  const events = [];
  for (let before = ''; before !== null; ) {
    const part = await get(`/api/events?limit=200${before && `&before=${before}`}`);
    events.push(...part.events.filter((e) => e.title.startsWith(title)));
    before = part.events.some((e) => e.title.startsWith(title)) ? part.next : null;
  }
  assert.equal(events.length, REPORTS, 'not each report once');
  assert.equal(new Set(events.map((e) => e.title)).size, REPORTS);
  assert.deepEqual(
    items.map((i) => i.event).sort((a, b) => a - b),
    events.map((e) => e.id).sort((a, b) => a - b),
  );
  for (const item of items) {
    const { photos } = await get(`/api/events/${item.event}/photos`);
    assert.equal(photos.length, 1, `event ${item.event} has ${photos.length} photos`);
  }
  // The server knows each key: the same report again is the same event.
  for (const item of items.filter((_, i) => i % 20 === 0)) {
    const event = events.find((e) => e.id === item.event);
    const again = await fetch(`${own.url}/api/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie, 'idempotency-key': item.key },
      body: JSON.stringify({
        title: event.title,
        description: title,
        category: event.category,
        channel: 'patrol',
        lon: here.lon,
        lat: here.lat,
        datum: 'WGS84',
      }),
    });
    assert.equal(again.status, 200, await again.clone().text());
    assert.equal((await again.json()).event.id, item.event);
  }
  await phone.close();
});

test('no space left when a report is to be kept: told, the draft and all from before are still there', async () => {
  const phone = await turnOn();
  const page = await phone.newPage();
  await page.goto(`${own.url}/field`);
  await installed(page);
  await phone.setOffline(true);
  const first = `先存${Date.now()}`;
  await report(page, first);
  const before = await kept(page);
  await page.evaluate(() => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (...args) {
      if (this.name === 'items') throw new DOMException('full', 'QuotaExceededError');
      return put.apply(this, args);
    };
  });
  await page.getByRole('link', { name: '上报' }).last().click();
  await page.getByRole('button', { name: '再报一件' }).click();
  await draft(page, '后存');
  await page.getByRole('button', { name: '上报', exact: true }).click();
  await page.getByText(/空间不够/).waitFor();
  const full = await kept(page);
  assert.deepEqual(full.items, before.items);
  assert.equal(full.drafts, before.drafts + 1);
  // Space again: the draft is taken up and sent, and both arrive.
  await page.reload();
  await page.getByRole('link', { name: '上报' }).last().click();
  await page.getByRole('link', { name: /1 张照片/ }).click();
  await page.getByRole('button', { name: '上报', exact: true }).click();
  await page.getByRole('heading', { name: /已存好|已送达/ }).waitFor();
  await phone.setOffline(false);
  await page.getByText(/已送达，编号 \d+/).waitFor();
  const { events } = await get('/api/events?limit=20');
  for (const title of [first, '后存']) assert.equal(events.filter((e) => e.title === title).length, 1, title);
  await phone.close();
});
