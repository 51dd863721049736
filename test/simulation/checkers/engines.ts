import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { Simulation } from '../kernel/simulation.ts';
import { Engine } from '../mysql/engine.ts';
import type { LogTransaction } from '../node/committed-log.ts';
import type { MysqldHost } from '../node/mysqld-host.ts';

/** Everything that an engine holds, as text. */
function contentOf(engine: Engine): ReadonlyMap<string, string> {
  const content = new Map<string, string>();
  for (const { name, comment } of engine.tables) {
    content.set(`comment of ${name}`, comment);
    for (const [key, value] of engine.scan(name, null)) content.set(`${name}/${key}`, value);
  }
  content.set('users', engine.users.join(','));
  return content;
}

/** What applying the log from its beginning, one transaction after the other, gives. */
export function engineOf(transactions: readonly LogTransaction[]): Engine {
  const engine = new Engine();
  for (const { content } of transactions) {
    engine.commit({ ...content, xid: 0 });
    engine.syncRedo();
  }
  return engine;
}

/**
 * At the end of a run, when everything is applied: every server has executed exactly what the log holds (G5), each
 * transaction once and whole (G6, G9), so that all hold the same data (G8).
 */
export function checkEngines(
  simulation: Simulation,
  transactions: readonly LogTransaction[],
  servers: readonly MysqldHost[],
): void {
  const logged = GtidSet.of(...transactions.map(({ content }) => content.gtid));
  const wanted = contentOf(engineOf(transactions));
  for (const { name, program } of servers) {
    const engine = program?.disk.engine;
    if (engine === undefined) {
      simulation.violated('G8', `${name} has no data`);
      continue;
    }
    const errant = engine.gtids.subtract(logged);
    simulation.check(errant.isEmpty, 'G5', () => `${name} has ${errant}, which the log has not`);
    const missing = logged.subtract(engine.gtids);
    simulation.check(missing.isEmpty, 'G3', () => `${name} misses ${missing}`);
    const found = contentOf(engine);
    for (const place of new Set([...wanted.keys(), ...found.keys()])) {
      const [expected, actual] = [wanted.get(place), found.get(place)];
      simulation.check(
        expected === actual,
        'G8',
        () => `${name} has ${shortened(actual)} at ${place}, the log says ${shortened(expected)}`,
      );
    }
  }
}

function shortened(value: string | undefined): string {
  if (value === undefined) return 'nothing';
  return value.length > 60 ? `${value.slice(0, 60)}…` : value;
}
