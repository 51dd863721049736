import type { Turn } from '../environment.ts';
import { withSql } from '../sql.ts';
import { PlainServer } from './plain-server.ts';
import { durableSettings, type RunningSystem, requireGlobals } from './system.ts';

/** One MySQL that nobody replicates: what no replicated system can be faster than. */
export async function startSingle(turn: Turn): Promise<RunningSystem> {
  const server = await PlainServer.start(turn, { number: 1 });
  const { endpoint } = server;
  return {
    endpoints: [endpoint],
    primary: endpoint,
    followers: [],
    async check() {
      await withSql(endpoint, turn.clock, async (query) => {
        await requireGlobals('single', query, 'VARIABLES', {
          ...durableSettings,
          log_bin: 'ON',
          rpl_semi_sync_source_enabled: 'OFF',
        });
      });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
