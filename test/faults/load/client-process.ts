import { SeededRandom } from '../../../base/random.ts';
import type { ClientConfig, FromClient, ToClient } from './client-config.ts';
import { OperationLog } from './operation-log.ts';
import { Pacer, pause } from './rate.ts';
import { Tally } from './recorder.ts';
import { openSession, runSession, type SessionHost } from './sessions.ts';
import { UniqueNumbers } from './unique-numbers.ts';
import { workloadNamed } from './workloads/registry.ts';

// A process of clients, started by `ClientSlot` and told what to do. It ends when it is told, or when whoever started it is gone.

const reportEveryMs = 500;
/** What has not ended so long after the stop never will, as far as its client is concerned. */
const graceMs = 10_000;

const stopped = new AbortController();
const tally = new Tally();

process.on('message', (message: ToClient) => {
  if (message.kind === 'stop') stopped.abort();
  else void run(message.config);
});
// The runner died: nobody wants these operations any more.
process.on('disconnect', () => process.exit(1));

async function run(config: ClientConfig): Promise<void> {
  const reports = setInterval(report, reportEveryMs);
  const log = new OperationLog(config.logFile, BigInt(config.originNanos));
  const host: SessionHost = {
    site: config.site,
    log,
    tally,
    processNumbers: new UniqueNumbers(config.client, config.life),
    elements: new UniqueNumbers(config.client, config.life),
    plannedSeconds: config.plannedMs / 1000,
  };
  const sessions = runAll(host, config);
  await Promise.race([sessions, stopThenGrace()]);
  clearInterval(reports);
  report();
  process.exit(0);
}

async function runAll(host: SessionHost, config: ClientConfig): Promise<void> {
  const { signal } = stopped;
  let index = 0;
  const running: Promise<void>[] = [];
  for (const { name, ratePerSecond, totalPerSecond } of config.workloads) {
    const pacer = new Pacer(ratePerSecond, signal);
    for (const kind of workloadNamed(name).sessions) {
      for (let count = 0; count < kind.count; count += 1) {
        const seed = ((config.seed * 31 + config.client) * 31 + config.life) * 101 + index;
        index += 1;
        const given = { random: new SeededRandom(seed), ratePerSecond: totalPerSecond };
        running.push(runSession(openSession(host, kind, given), kind, { pacer, signal }));
      }
    }
  }
  await Promise.all(running);
}

async function stopThenGrace(): Promise<void> {
  const { signal } = stopped;
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  await pause(graceMs, AbortSignal.any([]));
}

function report(): void {
  const message: FromClient = { counts: tally.counts };
  process.send?.(message);
}
