import { programsOnPath } from '../mysql-bridge/server/machine.ts';
import { BenchError } from './errors.ts';

/** Programs the benchmark runs besides MySQL, with the Debian package that holds each. */
const packages = {
  sysbench: 'sysbench',
  haproxy: 'haproxy',
} as const;
export type ToolName = keyof typeof packages;

/** Commands by name, ready to execute; arguments that belong to the program included. */
export interface Tools {
  command(name: ToolName): readonly string[];
}

/** Services are often installed where ordinary users do not look. */
const usualFolders = '/usr/sbin:/usr/local/sbin';

/** Finds all that a run needs before anything is started. BENCH_TOOL_MISSING says in one line what to install. */
export async function findTools(names: readonly ToolName[], searchPath: string): Promise<Tools> {
  const found = new Map<ToolName, readonly string[]>();
  for (const name of names) {
    const [path] = await programsOnPath(name, `${searchPath}:${usualFolders}`);
    if (path !== undefined) found.set(name, [path]);
  }
  const missing = names.filter((name) => !found.has(name)).map((name) => packages[name]);
  if (missing.length > 0) {
    throw new BenchError(
      'BENCH_TOOL_MISSING',
      `not installed: ${missing.join(', ')}; run: apt-get install ${missing.join(' ')}`,
    );
  }
  return {
    command(name) {
      const command = found.get(name);
      if (command !== undefined) return command;
      throw new BenchError('BENCH_TOOL_MISSING', `${name} was not asked for when the run began`);
    },
  };
}
