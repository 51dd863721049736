import { createServer, type Server } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import { type PortName, portNames } from '../options.ts';
import { SessionTable, sweepMs } from './session-table.ts';
import { systemWorld } from './system-world.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './worker-messages.ts';

/** How long clients may take to read the last error when the node closes. */
const closeMs = 500;
const backlog = 1024;

/** A worker thread: its own listeners on the ports that all workers share, and the sessions that come in by them. */
class ProxyWorker {
  readonly #settings: WorkerSettings;
  readonly #post: (message: FromWorker) => void;
  readonly #table: SessionTable;
  #servers: Server[] = [];
  #sweep: NodeJS.Timeout | null = null;

  constructor(settings: WorkerSettings, post: (message: FromWorker) => void) {
    this.#settings = settings;
    this.#post = post;
    this.#table = new SessionTable(settings, post, systemWorld);
  }

  async open(): Promise<void> {
    this.#servers = portNames.map((name) => this.#createServer(name));
    for (const [index, name] of portNames.entries()) {
      const server = this.#servers[index];
      if (server === undefined || !(await this.#listen(server, name))) return;
    }
    this.#post({ kind: 'listening' });
  }

  receive(message: ToWorker): void {
    if (message.kind === 'close') this.#close();
    else this.#table.receive(message);
    if (!this.#table.isIdle) this.#keepSweeping();
  }

  /** A worker without sessions sleeps: it would wake up ten times a second for nothing. */
  #keepSweeping(): void {
    if (this.#sweep !== null) return;
    this.#table.sweep();
    this.#sweep = setInterval(() => {
      this.#table.sweep();
      if (this.#table.isIdle) this.#stopSweeping();
    }, sweepMs);
  }

  #stopSweeping(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#sweep = null;
  }

  #createServer(name: PortName): Server {
    return createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 },
      (client) => {
        this.#keepSweeping();
        this.#table.accept(client, name);
      },
    );
  }

  #listen(server: Server, name: PortName): Promise<boolean> {
    const { host, port } = this.#settings.addresses[name];
    return new Promise((resolve) => {
      server.once('error', (error) => {
        const reason = codeOf(error) ?? messageOf(error);
        this.#post({ kind: 'listen-failed', port, reason });
        resolve(false);
      });
      server.listen({ host, port, backlog, reusePort: true }, () => resolve(true));
    });
  }

  #close(): void {
    this.#keepSweeping();
    for (const server of this.#servers) server.close();
    this.#table.close();
    const deadlineMs = this.#table.nowMs + closeMs;
    const timer = setInterval(() => {
      if (!this.#table.isEmpty && this.#table.nowMs < deadlineMs) return;
      clearInterval(timer);
      this.#stopSweeping();
      this.#post({ kind: 'closed' });
    }, 10);
  }
}

const port = parentPort;
assert(port !== null, 'this file is run as a worker thread');
// The main thread is the only one that starts this file, with settings of this type.
const worker = new ProxyWorker(workerData as WorkerSettings, (message) =>
  port.postMessage(message),
);
port.on('message', (message: ToWorker) => worker.receive(message));
await worker.open();
