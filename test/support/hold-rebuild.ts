import { registerHooks } from 'node:module';

// Loaded before a node, by `--import`: its rebuild waits as long as `hold-rebuild` is in the folder of its MySQL. So a test can end
// the node between the verdict and the rebuild. The product is not told: its source changes on its way from the disk.

const file = '/mysql-bridge/server/mysqld-process.ts';
const rebuilding = '    await moveDataFolderAside(this.#options.directory);\n';
const held = `    while (await (await import('node:fs/promises')).stat(join(this.#options.directory, 'hold-rebuild')).catch(() => null))
      await this.#options.clock.delay(20);
`;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(file) || loaded.source === undefined || loaded.source === null) return loaded;
    const source =
      typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
    const parts = source.split(rebuilding);
    if (parts.length !== 2) throw new Error(`${url} has ${parts.length - 1} rebuilds to hold`);
    return { ...loaded, source: parts.join(held + rebuilding) };
  },
});
