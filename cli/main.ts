#!/usr/bin/env node
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { SystemClock } from '../base/clock.ts';
import { codeOf, messageOf, OperationalError } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import { modelNames } from '../history/models/registry.ts';
import { historyFormats } from '../history/parse/read-history.ts';
import { type AdminAddress, runStatus, runTransfer } from './admin-commands.ts';
import { type CheckHistoryArguments, runCheckHistory } from './check-history.ts';
import { environment, readNodeConfig, readSecret } from './config.ts';
import { defaultLatencySeconds, type LatencyArguments, runLatency } from './latency.ts';
import { defaultBasePort } from './local-cluster.ts';
import { locateMySql, terminalLogger } from './locate-mysql.ts';
import { runNode } from './run-node.ts';
import { createTerminal, type Terminal } from './terminal.ts';
import { runUp } from './up.ts';
import { packageVersion } from './version.ts';

/** Exit statuses of the command line itself; those of `FatalReason` start at 10. */
const exitFailed = 1;
const exitUsage = 2;
const lingerMs = 1000;

const clock = new SystemClock();
const terminal = createTerminal(process.stdout, { noColor: environment.noColor });

process.exitCode = await main(process.argv);
// Everything is closed, and the process ends by itself. What did not close is no reason to stay: this timer keeps no process, it ends one.
setTimeout(() => process.exit(), lingerMs).unref();

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('binraft')
    .description('Unmodified MySQL whose binlog lives in a Raft log.')
    .version(packageVersion)
    .exitOverride();
  addUp(program);
  addNode(program);
  addStatus(program);
  addLatency(program);
  addTransfer(program);
  let exitStatus = 0;
  addCheckHistory(program, (status) => {
    exitStatus = status;
  });
  try {
    await program.parseAsync(argv);
    return exitStatus;
  } catch (thrown) {
    return report(thrown);
  }
}

function addUp(program: Command): void {
  program
    .command('up')
    .description('run a whole cluster on this machine, on loopback ports')
    .option('--nodes <number>', 'nodes: 3, 5, 7, or 1 (default: as found, else 3)', wholeNumber)
    .option('--data-dir <folder>', 'where everything is kept', './data')
    .option('--mysqld <path>', 'mysqld to run (default: BINRAFT_MYSQLD, PATH, or fetched)')
    .option(
      '--app-password <password>',
      'password of the account app (default: as found, else random)',
    )
    .addOption(
      new Option('--app-password-file <file>', 'the same, from the first line of a file').conflicts(
        'appPassword',
      ),
    )
    .option(
      '--base-port <port>',
      'node i uses this plus i times 100, plus 1 to 9',
      wholeNumber,
      defaultBasePort,
    )
    .addOption(
      new Option('--reads <mode>', 'how reads on the read-write port are confirmed')
        .choices(['read-index', 'lease'])
        .default('read-index'),
    )
    .option(
      '--tick-ms <ms>',
      'length of a Raft tick: a leader is missed after 20 to 40 of them (default: 25)',
      wholeNumber,
    )
    .action((options: UpArguments) => withSignals((signal) => runUp(upOptions(options), signal)));
}

interface UpArguments {
  readonly nodes?: number;
  readonly dataDir: string;
  readonly mysqld?: string;
  readonly appPassword?: string;
  readonly appPasswordFile?: string;
  readonly basePort: number;
  readonly reads: 'read-index' | 'lease';
  readonly tickMs?: number;
}

function upOptions(options: UpArguments): Parameters<typeof runUp>[0] {
  const mysqld = options.mysqld ?? environment.mysqld ?? '';
  return {
    directory: resolve(options.dataDir),
    nodeCount: options.nodes ?? null,
    appPassword: givenAppPassword(options),
    basePort: options.basePort,
    mysqld,
    reads: options.reads,
    tickMs: options.tickMs ?? null,
    clock,
    terminal,
    findMySql: () => locateMySql(mysqld, { logger: terminalLogger(terminal), terminal }),
  };
}

/** In a file it is in no process list and in no shell history. */
function givenAppPassword({ appPassword, appPasswordFile }: UpArguments): string | null {
  if (appPasswordFile !== undefined) return readSecret(resolve(appPasswordFile));
  return appPassword ?? null;
}

function addNode(program: Command): void {
  program
    .command('node')
    .description('run one node of a real deployment, in the foreground')
    .requiredOption('--config <file>', 'node.yaml')
    .action((options: { readonly config: string }) =>
      withSignals((signal) => runNode({ config: readNodeConfig(options.config), clock }, signal)),
    );
}

function addStatus(program: Command): void {
  program
    .command('status')
    .description('show every node: role, term, log, MySQL and its health')
    .option('--admin <host:port>', 'admin port of any node', adminAddress, defaultAdmin())
    .option('--json', 'print everything there is to know, as JSON', false)
    .action((options: { readonly admin: AdminAddress; readonly json: boolean }) =>
      runStatus(options, { terminal, clock }),
    );
}

function addLatency(program: Command): void {
  program
    .command('latency')
    .description('show where the time of commits goes: counts, medians and tails per stage')
    .option('--admin <host:port>', 'admin port of any node', adminAddress, defaultAdmin())
    .option(
      '--seconds <number>',
      'watch for so long; 0 shows everything since each node began',
      watchSeconds,
      defaultLatencySeconds,
    )
    .option('--json', 'print the histograms as JSON', false)
    .action((options: LatencyArguments) => runLatency(options, { terminal, clock }));
}

function addTransfer(program: Command): void {
  program
    .command('transfer')
    .description('hand leadership to another node, losing nothing')
    .argument('[node]', 'the node that shall lead (default: the best follower)')
    .option('--admin <host:port>', 'admin port of any node', adminAddress, defaultAdmin())
    .action((node: string | undefined, options: { readonly admin: AdminAddress }) =>
      runTransfer(options.admin, node ?? null, terminal),
    );
}

/** Exit status 1 says that the history is not valid, and nothing else: whatever goes wrong here ends with 2. */
function addCheckHistory(program: Command, end: (exitStatus: number) => void): void {
  program
    .command('check-history')
    .description('judge a Jepsen-style history: 0 valid, 1 not valid, 2 unreadable or undecided')
    .argument('<file>', 'operations as EDN, a JSON array, or JSON lines')
    .addOption(
      new Option('--model <model>', 'what it is a history of (default: guessed)').choices(
        modelNames,
      ),
    )
    .option('--consistency <level>', 'for list-append and set-full (default: the strictest)')
    .addOption(
      new Option('--format <format>', 'how it is written (default: guessed)').choices(
        historyFormats,
      ),
    )
    .option('--initial <value>', 'value of a register before the first write (default: nil)')
    .option('--total <number>', 'what the accounts of a bank hold (default: as first read)')
    .option(
      '--steps <number>',
      'steps of a search before it gives up (default: 4e8, about a minute)',
    )
    .option('--html <file>', 'write a page with a timeline')
    .option('--json', 'print the verdict as JSON', false)
    .action(async (file: string, options: CheckHistoryArguments) => {
      try {
        end(await runCheckHistory(file, options, terminal));
      } catch (thrown) {
        report(thrown);
        end(exitUsage);
      }
    });
}

function defaultAdmin(): AdminAddress {
  return { host: '127.0.0.1', port: defaultBasePort + 105 };
}

/** The first SIGINT or SIGTERM stops in order; a second one is left to the default, which ends the process. */
async function withSignals(action: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, abort);
  await action(stop.signal);
}

function report(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : exitUsage;
  const complaints: Terminal = createTerminal(process.stderr, { noColor: environment.noColor });
  if (thrown instanceof OperationalError) {
    complaints.line(`binraft: ${thrown.code}: ${thrown.message}`);
    return thrown instanceof FatalError ? thrown.exitStatus : exitFailed;
  }
  const trace = thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
  complaints.line(
    `binraft: INTERNAL${codeOf(thrown) === undefined ? '' : ` ${codeOf(thrown)}`}: ${trace}`,
  );
  return exitFailed;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is needed');
  return Number(text);
}

/** A timer of Node takes no more than 24 days, and a person less. */
function watchSeconds(text: string): number {
  const seconds = wholeNumber(text);
  if (seconds > 3600) throw new InvalidArgumentError('at most 3600, an hour');
  return seconds;
}

function adminAddress(text: string): AdminAddress {
  const found = /^(?:(.+):)?(\d{1,5})$/.exec(text);
  if (found === null) throw new InvalidArgumentError('HOST:PORT or PORT is needed');
  return { host: found[1] ?? '127.0.0.1', port: Number(found[2]) };
}
