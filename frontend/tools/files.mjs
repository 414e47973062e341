import { createHash } from 'node:crypto';

/** Chunks of the field face that are not needed before its map is opened. */
const LATER = ['MapPage', 'PickMap'];
const PUBLIC = ['favicon.svg', 'field.webmanifest', 'icon-192.png'];

/**
 * Tells the service worker the files of the build: those that open the field face, and those of its map. A build plugin;
 * the lists are also what the test of the first load measures.
 */
export function serviceWorkerFiles() {
  return {
    name: 'onepicture:service-worker-files',
    apply: 'build',
    generateBundle(_, bundle) {
      const files = filesOf(bundle);
      const worker = Object.values(bundle).find((c) => c.type === 'chunk' && c.fileName === 'sw.js');
      if (!worker) this.error('the build has no service worker');
      const all = JSON.stringify(files);
      const version = createHash('sha256').update(all).update(worker.code).digest('hex').slice(0, 12);
      if (!worker.code.includes('__FILES__')) this.error('the service worker asks for no files');
      worker.code = worker.code.replaceAll('__FILES__', JSON.stringify({ version, ...files }));
      // Read by the test of the build; not part of the page.
      this.emitFile({ type: 'asset', fileName: '.files.json', source: all });
    },
  };
}

function filesOf(bundle) {
  const chunks = Object.values(bundle).filter((c) => c.type === 'chunk');
  const named = (name) => chunks.filter((c) => c.isDynamicEntry && c.name === name);
  const entry = chunks.filter((c) => c.isEntry && c.fileName !== 'sw.js');
  const shell = closure(bundle, [...entry, ...named('FieldFace')]);
  const map = closure(bundle, LATER.flatMap(named));
  // MapLibre's worker is a file that a chunk names by its address.
  for (const f of Object.keys(bundle)) if (/maplibre-gl-worker/.test(f)) map.add(f);
  const paths = (set) => [...set].sort().map((f) => `/${f}`);
  return {
    shell: paths(new Set([...shell, ...PUBLIC])),
    map: paths(new Set([...map].filter((f) => !shell.has(f)))),
  };
}

/** Those chunks with all that they import at once, and their styles. */
function closure(bundle, from) {
  const found = new Set();
  const visit = (chunk) => {
    if (!chunk || found.has(chunk.fileName)) return;
    found.add(chunk.fileName);
    for (const css of chunk.viteMetadata?.importedCss ?? []) found.add(css);
    for (const name of chunk.imports) visit(bundle[name]);
  };
  for (const chunk of from) visit(chunk);
  return found;
}
