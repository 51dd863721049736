import { expect, test } from 'vitest';
import { logIndex } from '../../../raft/core/types.ts';
import type { LogBatch, LogStore } from '../../../raft/log-store.ts';
import { describeLogStore } from '../../log-store/conformance.ts';
import { batch, entries, hardState, rejection } from '../../log-store/support.ts';
import { SimHost } from './sim-host.ts';
import { SimLogDisk } from './sim-log-disk.ts';
import { SimLogStore } from './sim-log-store.ts';
import { Processes } from './sim-process.ts';
import { Simulation } from './simulation.ts';
import { Trace } from './trace.ts';

class Machine {
  readonly simulation: Simulation;
  readonly disk: SimLogDisk;
  readonly #processes: Processes;
  readonly #host: SimHost;

  constructor(seed = 1) {
    this.simulation = new Simulation({ seed, trace: new Trace() });
    this.disk = new SimLogDisk(this.simulation, 'n1');
    this.#processes = new Processes(this.simulation);
    this.#host = new SimHost(this.simulation, 'n1');
  }

  open(): SimLogStore {
    this.crash();
    return new SimLogStore(this.#processes.start(this.#host, 'sidecar'), this.disk);
  }

  crash(): void {
    this.#processes.find('n1/sidecar')?.kill('test');
  }

  /** Lets time pass until nothing is left to happen. */
  async settle(): Promise<void> {
    await this.simulation.run({ untilUs: this.simulation.nowUs + 60_000_000 });
  }
}

/** The suite awaits calls and knows no simulation: each call lets time pass by itself. */
function driven(machine: Machine, store: LogStore): LogStore {
  let waiting = 0;
  const run = async (): Promise<void> => {
    while (waiting > 0) await machine.settle();
  };
  const drive = async <Result>(call: Promise<Result>): Promise<Result> => {
    waiting += 1;
    if (waiting === 1) void run();
    try {
      return await call;
    } finally {
      waiting -= 1;
    }
  };
  return {
    opened: store.opened,
    write: (one: LogBatch) => drive(store.write(one)),
    read: (range) => drive(store.read(range)),
    close: () => drive(store.close()),
  };
}

describeLogStore('SimLogStore', () => {
  const machine = new Machine();
  return Promise.resolve({
    open: () => Promise.resolve(driven(machine, machine.open())),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

test('a crash keeps what is durable, and of a write under way all or nothing', async () => {
  const found = new Set<number>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const machine = new Machine(seed);
    const store = machine.open();
    const durable = store.write(batch({ hardState: hardState(1, 'n1'), entries: entries(1, 3) }));
    await machine.settle();
    await durable;
    const lost = store.write(batch({ hardState: hardState(2), entries: entries(4, 9, 2) }));
    await machine.simulation.run({ untilUs: machine.simulation.nowUs + 1 });
    machine.crash();

    const { opened } = machine.open();
    found.add(opened.lastIndex);
    expect(opened.hardState).toEqual(opened.lastIndex === 3 ? hardState(1, 'n1') : hardState(2));
    await machine.settle();
    void lost;
  }
  expect([...found].toSorted()).toEqual([3, 9]);
});

test('a sync error ends the store, and what was written is there or not (R17)', async () => {
  const machine = new Machine();
  const store = machine.open();
  machine.disk.failNextWrite();

  const failed = rejection(store.write(batch({ entries: entries(1, 2) })));
  await machine.settle();

  expect(await failed).toMatchObject({ code: 'LOG_STORE_FAILED' });
  expect(await rejection(store.write(batch({ entries: entries(1, 1) })))).toMatchObject({
    code: 'LOG_STORE_FAILED',
  });
  expect([0, 2]).toContain(machine.disk.content.lastIndex);
});

test('a disk that hangs keeps every write waiting, also the one under way (R11)', async () => {
  const machine = new Machine();
  const store = machine.open();
  let isDurable = false;
  const write = store.write(batch({ entries: entries(1, 1) })).then(() => {
    isDurable = true;
  });
  await machine.simulation.run({ untilUs: 1 });
  machine.disk.hangUntil(5_000_000);

  await machine.simulation.run({ untilUs: 4_999_999 });
  expect(isDurable).toBe(false);
  await machine.simulation.run({ untilUs: 6_000_000 });
  await write;
  expect(isDurable).toBe(true);
});

test('a damaged record and an old copy of the log are refused at open (R12, R16)', async () => {
  const machine = new Machine();
  const store = machine.open();
  machine.disk.takeCopy();
  const write = store.write(batch({ entries: entries(1, 3) }));
  await machine.settle();
  await write;

  expect(machine.disk.restoreCopy()).toBe(true);
  expect(() => machine.open()).toThrow(/older than its durable mark/);

  const other = new Machine();
  const otherStore = other.open();
  const otherWrite = otherStore.write(batch({ entries: entries(1, 3) }));
  await other.settle();
  await otherWrite;
  expect(other.disk.damage(logIndex(2))).toBe(true);
  expect(() => other.open()).toThrow(/log entry 2 is damaged/);
});
