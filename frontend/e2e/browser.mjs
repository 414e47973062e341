import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { inflateSync } from 'node:zlib';
import { chromium } from 'playwright-core';

/** The real server under test. */
export const server = process.env.ONEPICTURE_URL ?? 'http://127.0.0.1:8080';
export const out = new URL('./out/', import.meta.url).pathname;

const chrome = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--use-gl=angle',
    '--use-angle=swiftshader',
    '--enable-unsafe-swiftshader',
    '--disable-background-networking',
  ],
};

export const launch = () => chromium.launch(chrome);

/** A browser that keeps what its pages store in a folder, and so survives its end. */
export const launchKept = (folder, options = {}) => chromium.launchPersistentContext(folder, { ...chrome, ...options });

/** The cookie of a sample account's session, for requests beside the browser; each account signs in once at a server. */
export function session(name = 'cityduty', base = server) {
  const key = `${name} ${base}`;
  sessions[key] ??= signIn(name, base);
  return sessions[key];
}
const sessions = {};
export async function signIn(name, base = server) {
  const ways = await (await fetch(`${base}/api/sign-in`)).json();
  const answer = await fetch(`${base}/api/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password: ways.demo.password }),
  });
  if (answer.status !== 204) throw new Error(`signing in as ${name}: ${answer.status} ${await answer.text()}`);
  return answer.headers.get('set-cookie').split(';')[0];
}

/** Opens a page as a sample account (null: as nobody) that records what must not happen: errors, policy violations and requests to other hosts. */
export async function open(
  browser,
  path,
  { width = 1920, height = 1080, base = server, as = 'cityduty', ...more } = {},
) {
  const phone = width < 600;
  const context = await browser.newContext({ viewport: { width, height }, hasTouch: phone, isMobile: phone, ...more });
  if (as) {
    const [name, value] = (await session(as, base)).split('=');
    await context.addCookies([{ name, value, url: base, httpOnly: true, sameSite: 'Strict' }]);
  }
  const page = await context.newPage();
  const bad = [];
  page.on('console', (m) => {
    if (m.type() === 'error' && !/status of 503/.test(m.text())) bad.push(`console: ${m.text()}`);
  });
  // A busy server may ask for patience, which the page has; it must say for how long.
  page.on('response', (r) => {
    if (r.status() === 503 && !r.headers()['retry-after']) bad.push(`503 without Retry-After: ${r.url()}`);
  });
  page.on('pageerror', (e) => bad.push(`error: ${e.message}`));
  page.on('request', (r) => {
    const url = new URL(r.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== new URL(base).origin) bad.push(`host: ${r.url()}`);
  });
  await page.goto(base + path);
  return { page, bad, close: () => context.close() };
}

/** Waits until the map has drawn and the panels hold figures. */
export async function ready(page) {
  await page.waitForSelector('.maplibregl-canvas', { timeout: 60_000 });
  await page.waitForSelector('.notice.wait', { state: 'detached', timeout: 60_000 });
  await page.waitForSelector('.live[data-state=live]', { timeout: 20_000 });
}

/** Asks again and again until there is an answer, and gives it. */
export async function until(what, ask) {
  for (const end = Date.now() + 120_000; Date.now() < end; await new Promise((r) => setTimeout(r, 100))) {
    const found = await ask().catch(() => undefined);
    if (found) return found;
  }
  throw new Error(`${what}: not within two minutes`);
}

/** The distinct colours of a screenshot's part, coarsely: a blank map has one or two. */
export async function colours(page, clip) {
  const { pixels, channels } = decode(await page.screenshot({ clip }));
  const found = new Map();
  for (let i = 0; i < pixels.length; i += channels) {
    const key = ((pixels[i] >> 4) << 8) | ((pixels[i + 1] >> 4) << 4) | (pixels[i + 2] >> 4);
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return found;
}

/** Decodes an 8-bit, not interlaced RGB or RGBA PNG (ISO/IEC 15948), as Chromium writes them. */
function decode(png) {
  let at = 8;
  let width = 0;
  let height = 0;
  let channels = 4;
  const data = [];
  while (at < png.length) {
    const size = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + size);
    if (type === 'IHDR') {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      channels = body[9] === 2 ? 3 : 4;
    } else if (type === 'IDAT') data.push(body);
    at += size + 12;
  }
  const raw = inflateSync(Buffer.concat(data));
  const line = width * channels;
  const pixels = Buffer.alloc(line * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (line + 1)];
    for (let x = 0; x < line; x++) {
      const left = x >= channels ? pixels[y * line + x - channels] : 0;
      const up = y ? pixels[(y - 1) * line + x] : 0;
      const corner = y && x >= channels ? pixels[(y - 1) * line + x - channels] : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      pixels[y * line + x] = raw[y * (line + 1) + 1 + x] + predicted;
    }
  }
  return { pixels, channels, width, height };
}

function paeth(a, b, c) {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/** What axe finds wrong with the page as it stands, one line each. */
export async function axe(page) {
  const source = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
  await page.evaluate(source);
  // What is still changing its colour is judged when it has.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((a) => a.effect?.getTiming().iterations !== Number.POSITIVE_INFINITY)
        .map((a) => a.finished.catch(() => undefined)),
    ),
  );
  const result = await page.evaluate(() => globalThis.axe.run(document));
  return result.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} ${n.failureSummary}`));
}

/** A wire to the server that can be cut and mended, as when the server restarts. */
export async function wire() {
  const target = new URL(server);
  const sockets = new Set();
  const proxy = createServer((from, to) => {
    const onward = request(
      { host: target.hostname, port: target.port, path: from.url, method: from.method, headers: from.headers },
      (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers);
        to.flushHeaders();
        answer.pipe(to);
        answer.on('error', () => to.destroy());
      },
    );
    onward.on('error', () => to.destroy());
    to.on('close', () => onward.destroy());
    from.pipe(onward);
  });
  proxy.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const listen = (port) => new Promise((resolve) => proxy.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = proxy.address();
  const cut = () =>
    new Promise((resolve) => {
      proxy.close(resolve);
      for (const socket of sockets) socket.destroy();
    });
  return { url: `http://127.0.0.1:${port}`, cut, mend: () => listen(port) };
}

/** Reports an event to the server and tells its id. */
export async function report(event) {
  const response = await fetch(`${server}/api/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: await session() },
    body: JSON.stringify({ datum: 'WGS84', category: 'fire', ...event }),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(`event refused: ${response.status} ${JSON.stringify(body)}`);
  return body.event;
}

/** A point well inside the deployment: the label of one of its towns. */
export async function somewhere() {
  const get = async (path) => (await fetch(server + path, { headers: { cookie: await session() } })).json();
  const deployment = await get('/api/deployment');
  const city = await get(`/api/places/${deployment.roots[0]}`);
  const town = city.children.find((c) => c.label) ?? city.place;
  return { deployment, city, town, lon: town.label[0], lat: town.label[1] };
}
