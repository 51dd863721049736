import { registerHooks } from 'node:module';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { mutationEnvironment, notPlantedStatus } from './environment.ts';
import { mutated } from './mutation.ts';
import { mutationOf } from './mutations.ts';

// Loaded before the simulation's worker, by `--import`. The product is not told: its sources change on their way from the disk.

const mutation = mutationOf(process.env[mutationEnvironment] ?? '');
const root = fileURLToPath(new URL('../../', import.meta.url));
const planted = new Set<string>();

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:') || loaded.source === undefined || loaded.source === null) {
      return loaded;
    }
    const path = fileURLToPath(url);
    if (!path.startsWith(root)) return loaded;
    const file = path.slice(root.length);
    if (!mutation.edits.some((edit) => edit.file === file)) return loaded;
    const text = typeof loaded.source === 'string' ? loaded.source : textOf(loaded.source);
    planted.add(file);
    return { ...loaded, source: mutated(mutation, file, text) ?? text };
  },
});

/** A bug in a module that nobody loads would go unnoticed for another reason than the one the table gives. */
process.once('message', () => {
  const missing = mutation.edits.find(({ file }) => !planted.has(file));
  if (missing === undefined) return;
  process.stderr.write(`${mutation.id}: the simulation does not load ${missing.file}\n`);
  process.exit(notPlantedStatus);
});

function textOf(source: NodeJS.ArrayBufferView | ArrayBuffer): string {
  return new TextDecoder().decode(source);
}
