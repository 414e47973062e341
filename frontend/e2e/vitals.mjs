// What the first opening of each face costs, with nothing kept by the browser: bytes on the wire and what a reader waits for.
//   ONEPICTURE_URL=http://127.0.0.1:8080 node e2e/vitals.mjs [table.md]
// It is no test of the default run: its times depend on the machine. Each line is the median of several openings.
import { writeFile } from 'node:fs/promises';
import { launch, open } from './browser.mjs';

const OPENINGS = 3;
const FACES = { '/sign-in': null, '/command': 'cityduty', '/field': 'worker', '/desk': 'admin' }; // and who opens them
const DEVICES = [
  { name: 'wall', width: 1920, height: 1080, slower: 1 },
  { name: 'phone', width: 390, height: 844, slower: 4 },
];
const QUIET_MS = 2000; // nothing came, moved or kept it busy for so long: it is open

const browser = await launch();
try {
  const lines = [];
  for (const device of DEVICES) {
    for (const [face, as] of Object.entries(FACES)) {
      const all = [];
      for (let i = 0; i < OPENINGS; i++) all.push(await measure(face, as, device));
      lines.push(
        line(face, device, Object.fromEntries(Object.keys(all[0]).map((k) => [k, median(all.map((x) => x[k]))]))),
      );
      process.stderr.write(`${lines.at(-1)}\n`);
    }
  }
  const text = `| page | device | script | style | font | all | FCP | LCP | CLS | TBT |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|
${lines.join('\n')}
`;
  process.stdout.write(text);
  if (process.argv[2]) await writeFile(process.argv[2], text);
} finally {
  await browser.close();
}

async function measure(face, as, { width, height, slower }) {
  // A page of the server that loads nothing else: the cookie and the observers are there before the face is asked for.
  const { page, close } = await open(browser, '/health/ready', { width, height, as, serviceWorkers: 'block' });
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await page.addInitScript(observe);
  await page.goto(new URL(face, page.url()).href, { waitUntil: 'load' });
  let told = await tell(page);
  for (let before = ''; before !== JSON.stringify(told); told = await tell(page)) {
    before = JSON.stringify(told);
    await page.waitForTimeout(QUIET_MS);
  }
  if (!new URL(page.url()).pathname.startsWith(face)) throw new Error(`${face} led to ${page.url()}`);
  await close();
  return {
    ...told.bytes,
    fcp: told.fcp,
    lcp: told.lcp,
    cls: shift(told.shifts),
    tbt: told.tasks.filter((x) => x.end > told.fcp).reduce((sum, x) => sum + x.ms - 50, 0),
  };
}

/**
 * What the page has noted, and what came over the wire by what it is for: compressed, with 300 B for each answer's headers.
 * MapLibre's worker loads the tiles.
 */
async function tell(page) {
  const vitals = await page.evaluate(() => globalThis.vitals);
  const bytes = { script: 0, style: 0, font: 0, all: 0 };
  const loaded = await Promise.all([page, ...page.workers()].map((x) => x.evaluate(resources)));
  for (const { name, size } of loaded.flat()) {
    bytes.all += size;
    const kind = { js: 'script', css: 'style', woff2: 'font' }[new URL(name).pathname.split('.').at(-1)];
    if (kind) bytes[kind] += size;
  }
  return { ...vitals, bytes };
}
function resources() {
  const entries = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
  return entries.map((e) => ({ name: e.name, size: e.transferSize }));
}

/** Runs in the page, before all else. */
function observe() {
  performance.setResourceTimingBufferSize(2000);
  globalThis.vitals = { fcp: 0, lcp: 0, shifts: [], tasks: [] };
  const on = (type, note) =>
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true });
  on('paint', (e) => {
    if (e.name === 'first-contentful-paint') globalThis.vitals.fcp = e.startTime;
  });
  on('largest-contentful-paint', (e) => {
    globalThis.vitals.lcp = e.startTime;
  });
  on('layout-shift', (e) => {
    if (!e.hadRecentInput) globalThis.vitals.shifts.push({ at: e.startTime, by: e.value });
  });
  on('longtask', (e) => globalThis.vitals.tasks.push({ end: e.startTime + e.duration, ms: e.duration }));
}

/** The worst five seconds of shifts that follow each other within one. */
function shift(shifts) {
  let worst = 0;
  let run = { from: 0, last: 0, sum: 0 };
  for (const { at, by } of shifts) {
    if (at - run.last > 1000 || at - run.from > 5000) run = { from: at, last: at, sum: 0 };
    run.last = at;
    run.sum += by;
    worst = Math.max(worst, run.sum);
  }
  return worst;
}

function median(list) {
  return list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
}
function line(face, { name, width, height, slower }, x) {
  const kb = (n) => (n ? `${(n / 1000).toFixed(1)} kB` : '–');
  const ms = (n) => `${Math.round(n)} ms`;
  const device = `${name} ${width}×${height}${slower > 1 ? `, CPU ÷ ${slower}` : ''}`;
  return `| \`${face}\` | ${device} | ${kb(x.script)} | ${kb(x.style)} | ${kb(x.font)} | ${kb(x.all)} | ${ms(x.fcp)} | ${ms(x.lcp)} | ${x.cls.toFixed(3)} | ${ms(x.tbt)} |`;
}
