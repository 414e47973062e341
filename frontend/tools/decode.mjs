// Reads vector tiles with the reference decoder: node decode.mjs <folder>. All files of the folder, <name>.mvt, are
// decoded; standard output gets one JSON object, name → layers. Tests compare it with what the server meant.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { classifyRings, VectorTile } from '@mapbox/vector-tile';
import { PbfReader } from 'pbf';

const folder = process.argv[2];
const kinds = ['unknown', 'point', 'line', 'polygon'];
const points = (ring) => ring.map((p) => [p.x, p.y]);

function geometry(feature) {
  const rings = feature.loadGeometry();
  if (kinds[feature.type] !== 'polygon') return rings.map((part) => [points(part)]);
  // The decoder closes each ring by its first point.
  return classifyRings(rings).map((polygon) => polygon.map((ring) => points(ring).slice(0, -1)));
}

function layerOf(layer) {
  const features = [];
  for (let i = 0; i < layer.length; i++) {
    const f = layer.feature(i);
    features.push({ id: f.id ?? 0, kind: kinds[f.type], properties: f.properties, parts: geometry(f) });
  }
  return { version: layer.version, extent: layer.extent, features };
}

const out = {};
for (const file of readdirSync(folder)) {
  if (!file.endsWith('.mvt')) continue;
  const { layers } = new VectorTile(new PbfReader(readFileSync(join(folder, file))));
  out[file.slice(0, -4)] = Object.fromEntries(Object.values(layers).map((l) => [l.name, layerOf(l)]));
}
process.stdout.write(JSON.stringify(out));
