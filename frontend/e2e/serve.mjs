import { spawn } from 'node:child_process';
import { chmod, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';

const program = new URL('../../bin/onepicture', import.meta.url).pathname;

// What another server of this environment is told is not for this one.
const settingless = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ONEPICTURE_')));

/** A server of the test's own, with a small city, that can be stopped and started again over the same data. */
export async function serve({ people = 4000, more = [] } = {}) {
  const data = await mkdtemp(`${tmpdir()}/onepicture-e2e-`);
  await chmod(data, 0o755); // the database has a user of its own
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child = null;
  async function start() {
    const log = await open(`${data}/server.log`, 'a');
    const at = ['--data', `${data}/city`, '--listen', `127.0.0.1:${port}`];
    child = spawn(program, ['serve', ...at, '--demo', '--people', String(people), '--trickle', '0', ...more], {
      stdio: ['ignore', log.fd, log.fd],
      env: settingless,
    });
    await log.close();
    while (
      !(await fetch(`${url}/health/ready`).then(
        (r) => r.ok,
        () => false,
      ))
    ) {
      if (child.exitCode !== null) throw new Error(await readFile(`${data}/server.log`, 'utf8'));
      await new Promise((r) => setTimeout(r, 50));
    }
  }
  async function stop() {
    const ended = new Promise((r) => child.once('exit', r));
    child.kill('SIGTERM');
    await ended;
  }
  await start();
  return {
    url,
    start,
    stop,
    async remove() {
      if (child.exitCode === null) await stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
