// How long a part of the map stays blank while one goes from the city to a street and about, and what the tiles weigh:
//   ONEPICTURE_URL=http://127.0.0.1:8080 node e2e/pan.mjs [report.md]
// It is no test of the default run: its numbers depend on the machine. A tile is blank from the browser's question to the
// last byte of the answer, unless a coarser tile of the same set was there before, which the map draws meanwhile.
import { writeFile } from 'node:fs/promises';
import { launch, open, ready, somewhere } from './browser.mjs';

const STEPS_IN = 16; // each a notch or two of the wheel: from the city to a street
const browser = await launch();
try {
  const here = await somewhere();
  const { page, bad, close } = await open(browser, '/command');
  const tiles = watch(page);
  await ready(page);
  await quiet(tiles);
  const first = tiles.list.length;
  if (first === 0) throw new Error('no tile was asked for');
  const view = { x: 960, y: 540 };
  await page.mouse.move(view.x, view.y);
  for (let i = 0; i < STEPS_IN; i++) {
    tiles.step = `in ${i + 1}`;
    await page.mouse.wheel(0, -400);
    await page.waitForTimeout(900);
    if (i >= 3) await drag(page, view, i % 2 ? [500, 0] : [0, 350]);
  }
  for (const by of [
    [-700, 0],
    [0, 400],
    [700, 0],
    [0, -400],
    [-600, -300],
  ]) {
    tiles.step = 'street';
    await drag(page, view, by);
  }
  for (let i = 0; i < STEPS_IN; i++) {
    tiles.step = `out ${i + 1}`;
    await page.mouse.wheel(0, 400);
    await page.waitForTimeout(700);
  }
  await quiet(tiles);
  const text = report(tiles.list, first, here);
  process.stdout.write(text);
  if (process.argv[2]) await writeFile(process.argv[2], text);
  if (bad.length) process.stderr.write(`${bad.join('\n')}\n`);
  await close();
} finally {
  await browser.close();
}

async function drag(page, from, [dx, dy]) {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  for (let i = 1; i <= 8; i++) {
    await page.mouse.move(from.x + (dx * i) / 8, from.y + (dy * i) / 8);
    await page.waitForTimeout(40);
  }
  await page.mouse.up();
  await page.waitForTimeout(700);
}

/** Notes each tile: set, place, times in ms and bytes on the wire. */
function watch(page) {
  const tiles = { list: [], open: 0, step: 'first view' };
  const known = new Map();
  page.on('request', (r) => {
    const m = new URL(r.url()).pathname.match(/^\/tiles\/([^/]+)\/(\d+)\/(\d+)\/(\d+)\.mvt$/);
    if (!m) return;
    const tile = {
      set: m[1] + new URL(r.url()).search,
      z: +m[2],
      x: +m[3],
      y: +m[4],
      from: performance.now(),
      step: tiles.step,
    };
    known.set(r, tile);
    tiles.list.push(tile);
    tiles.open++;
  });
  const end = (r, given) => {
    const tile = known.get(r);
    if (!tile) return;
    known.delete(r);
    tiles.open--;
    tile.to = performance.now();
    tile.given = given;
  };
  page.on('requestfinished', async (r) => {
    const tile = known.get(r);
    end(r, true);
    if (!tile) return;
    tile.status = (await r.response())?.status();
    const size = await r.sizes().catch(() => undefined);
    tile.bytes = size?.responseBodySize ?? 0;
  });
  page.on('requestfailed', (r) => end(r, false)); // given up by the map: no longer in view
  return tiles;
}

async function quiet(tiles) {
  for (let still = 0; still < 10; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    still = tiles.open === 0 ? still + 1 : 0;
  }
}

/** Whether a coarser tile of the set was there when this one was asked for. */
function covered(tile, there) {
  for (let { z, x, y } = tile; z > 0; ) {
    z--;
    x >>= 1;
    y >>= 1;
    const at = there.get(`${tile.set} ${z}/${x}/${y}`);
    if (at !== undefined && at <= tile.from) return true;
  }
  return false;
}

function report(list, first, { city }) {
  const there = new Map();
  for (const t of list) if (t.given) there.set(`${t.set} ${t.z}/${t.x}/${t.y}`, t.to);
  const later = list.slice(first).filter((t) => t.given);
  const blank = later.filter((t) => !covered(t, there)).map((t) => t.to - t.from);
  const waits = later.map((t) => t.to - t.from);
  const sizes = list.filter((t) => t.given && t.status === 200).map((t) => t.bytes);
  const zooms = [...new Set(list.map((t) => t.z))].sort((a, b) => a - b);
  const rows = zooms.map((z) => {
    const of = list.filter((t) => t.z === z && t.given);
    const took = of.map((t) => t.to - t.from);
    const bytes = of.filter((t) => t.status === 200).map((t) => t.bytes);
    const cells = [
      z,
      of.length,
      `${ms(part(took, 0.5))} / ${ms(part(took, 0.99))}`,
      `${kb(part(bytes, 0.5))} / ${kb(part(bytes, 1))}`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `City ${city.place.code}, 1920×1080, ${new Date().toISOString()}: ${list.length} tiles, ${list.filter((t) => !t.given).length} given up by the map.

- first view: ${first} tiles, the last after ${ms(Math.max(...list.slice(0, first).map((t) => t.to - list[0].from)))}
- after it: a tile came after ${ms(part(waits, 0.5))} (p50), ${ms(part(waits, 0.99))} (p99), ${ms(part(waits, 1))} (longest)
- blank, with nothing coarser to draw: ${blank.length} tiles, the longest ${ms(part(blank, 1))}; ${blank.filter((t) => t > 300).length} longer than 300 ms
- bytes on the wire: ${kb(part(sizes, 0.5))} (p50), ${kb(part(sizes, 0.99))} (p99), ${kb(part(sizes, 1))} (largest), ${kb(sizes.reduce((a, b) => a + b, 0))} in all

| zoom | tiles | ms p50 / p99 | KiB p50 / largest |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function part(list, share) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function ms(n) {
  return `${n.toFixed(0)} ms`;
}

function kb(n) {
  return `${(n / 1024).toFixed(1)}`;
}
