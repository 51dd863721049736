import { expect, test } from 'vitest';
import { deferred } from '../../base/deferred.ts';
import type { Bypasses } from '../../mysql-bridge/bridge-parts.ts';
import { ServerMonitor } from '../../mysql-bridge/server-monitor.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Calls, FakeAdmin, settle } from './bridge-fakes.ts';

test('a server that answers neither a question nor its probe is reported', async () => {
  await using watch = new Watch();
  watch.admin.bypasses = never;
  watch.admin.probes = [false];

  await watch.rounds(1);

  expect(watch.said).toEqual(['unresponsive: mysqld did not answer for 3000 ms']);
});

test('a server that answers is not probed, and one that takes its time is heard all the same', async () => {
  await using watch = new Watch();
  let probes = 0;
  watch.admin.onProbe = () => {
    probes += 1;
  };
  await watch.rounds(2);
  const probesBefore = probes;
  const late = deferred<Bypasses>();
  watch.admin.bypasses = () => late.promise;

  await watch.rounds(1);
  const saidEarly = watch.said.splice(0);
  late.resolve({ gate: ['status is OFF'], traces: [] });
  await settle();

  expect([probesBefore, probes]).toEqual([0, 1]);
  expect(saidEarly).toEqual(['round', 'round']);
  expect(watch.said).toEqual(['bypassed: status is OFF']);
});

test('after a pause of this whole process the probe is asked once more (N5, H29)', async () => {
  await using watch = new Watch();
  const late = deferred<Bypasses>();
  watch.admin.bypasses = () => late.promise;
  watch.admin.probes = [false, true];
  watch.admin.onProbe = () => {
    if (watch.admin.probes.length === 2) watch.clock.jump(10_000);
    else late.resolve({ gate: [], traces: [] });
  };

  await watch.rounds(1);

  expect(watch.said).toEqual(['round']);
});

test('a bypassed commit gate is found in the next round, before anything else (H9)', async () => {
  await using watch = new Watch();
  await watch.rounds(2);
  watch.said.length = 0;
  watch.admin.gateFaults = ['status is OFF'];

  await watch.rounds(1);

  expect(watch.said).toEqual(['bypassed: status is OFF']);
});

test('a session that turned the binlog off is found in the next round, before anything else (H10)', async () => {
  await using watch = new Watch();
  await watch.rounds(1);
  watch.said.length = 0;
  watch.admin.gateFaults = ['status is OFF'];
  watch.admin.traces = [
    { text: 'SET `sql_log_bin` = ?', program: null, account: 'root@localhost', at: null },
  ];

  await watch.rounds(1);

  expect(watch.said).toEqual([
    'unlogged: MYSQL_BINLOG_OFF: a session turned its binlog off, so nothing tells what it wrote: SET `sql_log_bin` = ?, by root@localhost',
  ]);
});

test('settings are looked at every ten rounds; one that is unsafe is reported (H10)', async () => {
  await using watch = new Watch();
  await watch.rounds(1);
  watch.admin.settings = ['sync_binlog is 0'];

  await watch.rounds(9);
  const early = watch.said.filter((word) => word.startsWith('unsafe'));
  await watch.rounds(1);

  expect(early).toEqual([]);
  expect(watch.said.at(-1)).toBe('unsafe: sync_binlog is 0');
});

test('what got at the gate between two looks of a round is a bypass, also when it has gone again (G2, H10, H11)', async () => {
  for (const [bypassedBehind, again] of [
    [['clients is 2'], ['clients is 2']],
    [[], []],
  ] as const) {
    await using watch = new Watch();
    watch.admin.semisync.push(['clients is 2'], again);
    const answers: (readonly string[])[] = [[], bypassedBehind];
    watch.admin.bypasses = () => Promise.resolve({ gate: answers.shift() ?? [], traces: [] });

    await watch.rounds(1);

    expect(watch.said.at(-1)).toBe('bypassed: clients is 2');
  }
});

test('a binlog turned off behind the first question of a round is found before the fence that would forget it (H10)', async () => {
  await using watch = new Watch();
  watch.admin.settings = ['super_read_only is OFF'];
  const off = { text: 'SET `sql_log_bin` = ?', program: null, account: null, at: null };
  const looks = [[], [off]];
  watch.admin.bypasses = () => Promise.resolve({ gate: [], traces: looks.shift() ?? [] });

  await watch.rounds(1);

  expect(watch.said.at(-1)).toMatch(/^unlogged: MYSQL_BINLOG_OFF/);
});

test('that nobody is attached is unsafe, and no bypass', async () => {
  await using watch = new Watch();
  watch.admin.semisync.push(['clients is 0'], ['clients is 0']);

  await watch.rounds(1);

  expect(watch.said.at(-1)).toBe('unsafe: clients is 0');
});

test('an answer about a server that was replaced meanwhile means nothing', async () => {
  await using watch = new Watch();
  watch.admin.bypasses = never;
  watch.admin.probes = [false];
  const { admin } = watch;
  admin.onProbe = () => {
    watch.admin = new FakeAdmin(new Calls());
  };

  await watch.rounds(1);

  expect(watch.said).toEqual([]);
});

test('a question that fails is a complaint, not the end of the watch', async () => {
  await using watch = new Watch();
  watch.admin.bypasses = () => Promise.reject(new Error('no answer'));
  await watch.rounds(1);
  watch.admin.bypasses = () => Promise.resolve({ gate: [], traces: [] });

  await watch.rounds(1);

  expect(watch.said).toEqual(['replica: monitoring failed: no answer', 'round']);
});

function never(): Promise<never> {
  return deferred<never>().promise;
}

/** A monitor whose rounds a test lets happen. */
class Watch implements AsyncDisposable {
  readonly clock: FakeClock = new FakeClock();
  readonly said: string[] = [];
  admin: FakeAdmin = new FakeAdmin(new Calls());
  readonly #monitor: ServerMonitor;
  #running: Promise<void> | null = null;

  constructor() {
    const say = (word: string): void => void this.said.push(word);
    this.#monitor = new ServerMonitor({
      clock: this.clock,
      probeTimeoutMs: 3000,
      events: {
        onUnresponsive: (reason) => say(`unresponsive: ${reason}`),
        onUnsafe: (reason) => say(`unsafe: ${reason}`),
        onBypassed: (reason) => Promise.resolve(say(`bypassed: ${reason}`)),
        onUnlogged: (reason) => say(`unlogged: ${reason}`),
        onRound: () => Promise.resolve(say('round')),
        onReplicaFaults: (faults) => {
          if (faults.length > 0) say(`replica: ${faults.join('; ')}`);
        },
      },
    });
  }

  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round += 1) {
      if (this.#running === null) this.#running = this.#monitor.run(() => this.admin);
      else this.clock.advance(200);
      await settle();
      // As long as a question may be without an answer before the server is probed.
      this.clock.advance(100);
      await settle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#monitor.stop();
    await this.#running;
  }
}
