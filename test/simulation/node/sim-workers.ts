import type { Random } from '../../../base/random.ts';
import type { CommitForecast } from '../../../proxy/core/commit-forecast.ts';
import type { ProxyPlatform } from '../../../proxy/node-proxy.ts';
import { type PortName, portNames } from '../../../proxy/options.ts';
import { SessionTable, sweepMs } from '../../../proxy/worker/session-table.ts';
import type { FromWorker, ToWorker } from '../../../proxy/worker/worker-messages.ts';
import type { WorkerPoolOptions, Workers } from '../../../proxy/worker-pool.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import { type ByteConnections, ByteSocket } from './byte-socket.ts';

/** The connections of each listener of a proxy, and of the client port of servers: a port is a number in every address. */
export interface ProxyWires {
  readonly ports: Readonly<Record<PortName, ByteConnections>>;
  readonly mysql: ByteConnections;
}

/** Numbers of ports, the same on every host. */
export const portNumbers: Readonly<Record<PortName | 'mysql', number>> = {
  readWrite: 1,
  readOnly: 2,
  forwardReadWrite: 3,
  forwardReadOnly: 4,
  mysql: 5,
};

/** A message between threads takes up to this long. */
const messageUsMax = 60;
const closeMs = 500;

/** The worker threads of a proxy as parts of one simulated process, which talk by messages that take time. */
export function simPlatform(process: SimProcess, wires: ProxyWires): ProxyPlatform {
  return {
    claimPorts: (addresses) => Promise.resolve(addresses),
    createWorkers: (options) => new SimWorkers(process, wires, options),
  };
}

class SimWorkers implements Workers {
  readonly #process: SimProcess;
  readonly #wires: ProxyWires;
  readonly #options: WorkerPoolOptions;
  readonly #random: Random;
  readonly #forecastRandom: Random;
  readonly #tables: SessionTable[] = [];
  readonly #stops: (() => void)[] = [];
  /** Messages of one direction arrive in the order in which they were sent. */
  readonly #newestArrivalUs = new Map<string, number>();
  #accepted = 0;
  /** Safety must not depend on what is expected of a command: here that is luck. */
  readonly #coin: CommitForecast = {
    expectsCommit: () => this.#forecastRandom.below(0, 2) === 1,
    learn: () => undefined,
  };

  constructor(process: SimProcess, wires: ProxyWires, options: WorkerPoolOptions) {
    this.#process = process;
    this.#random = process.simulation.random(`threads ${process.host.name}`);
    this.#forecastRandom = process.simulation.random(`forecasts ${process.host.name}`);
    this.#wires = wires;
    this.#options = options;
  }

  open(): Promise<void> {
    const { workers, settings } = this.#options;
    for (let worker = 0; worker < workers; worker += 1) {
      const table = new SessionTable(
        { ...settings, worker },
        (message) => this.#toMain(worker, message),
        {
          monotonicNs: () => BigInt(Math.floor(this.#process.clock.monotonicMs() * 1e6)),
          connect: (address) => this.#connect(address),
          createForecast: () => this.#coin,
        },
      );
      this.#tables.push(table);
      this.#stops.push(this.#process.clock.every(sweepMs, () => table.sweep()));
    }
    for (const name of portNames) {
      const stop = this.#wires.ports[name].listen(this.#process, (transport) => {
        const client = ByteSocket.accepted(this.#process, transport, { allowHalfOpen: true });
        this.#accepted += 1;
        this.#tables[this.#accepted % workers]?.accept(client, name);
      });
      this.#stops.push(stop);
    }
    return Promise.resolve();
  }

  post(worker: number, message: ToWorker): void {
    this.#travel(`to ${worker}`, () => {
      if (message.kind !== 'close') this.#tables[worker]?.receive(message);
    });
  }

  postAll(message: ToWorker): void {
    for (const worker of this.#tables.keys()) this.post(worker, message);
  }

  async close(): Promise<void> {
    for (const table of this.#tables) table.close();
    await this.#process.clock.delay(closeMs);
    await this.terminate();
  }

  terminate(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    return Promise.resolve();
  }

  #toMain(worker: number, message: FromWorker): void {
    this.#travel(`from ${worker}`, () => this.#options.onMessage(worker, message));
  }

  #travel(lane: string, arrive: () => void): void {
    const { simulation } = this.#process;
    const drawnUs = simulation.nowUs + this.#random.below(5, messageUsMax);
    const arrivesUs = Math.max(drawnUs, this.#newestArrivalUs.get(lane) ?? 0);
    this.#newestArrivalUs.set(lane, arrivesUs);
    simulation.at(arrivesUs, () => this.#process.enter(arrive));
  }

  #connect({ host, port }: { readonly host: string; readonly port: number }): ByteSocket {
    const isLocal = port === portNumbers.mysql;
    const to = isLocal ? `${this.#process.host.name}/mysqld` : `${host}/sidecar`;
    const name = portNames.find((candidate) => portNumbers[candidate] === port);
    const wire = isLocal || name === undefined ? this.#wires.mysql : this.#wires.ports[name];
    return ByteSocket.connecting(this.#process, wire, to);
  }
}
