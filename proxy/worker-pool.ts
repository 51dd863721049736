import { Worker } from 'node:worker_threads';
import { type Deferred, deferred } from '../base/deferred.ts';
import type { Logger } from '../base/logger.ts';
import { portTaken } from './claim-ports.ts';
import { portNames } from './options.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './worker/worker-messages.ts';

/** The threads that carry sessions, as the main thread uses them. */
export interface Workers {
  /** Settles when all listen. Rejects FatalError PORT_TAKEN. */
  open(): Promise<void>;
  post(worker: number, message: ToWorker): void;
  postAll(message: ToWorker): void;
  close(): Promise<void>;
  /** Without a word to the sessions; for an `open` that failed. */
  terminate(): Promise<void>;
}

export interface WorkerPoolOptions {
  readonly workers: number;
  readonly settings: Omit<WorkerSettings, 'worker'>;
  readonly logger: Logger;
  readonly onMessage: (worker: number, message: FromWorker) => void;
}

/** The worker threads. One that fails takes the process with it: it is our bug, and its sessions are lost anyway. */
export class WorkerPool implements Workers {
  readonly #options: WorkerPoolOptions;
  readonly #workers: Worker[] = [];
  readonly #opened: Deferred<void>[] = [];
  readonly #closed: Deferred<void>[] = [];
  #isClosing = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Settles when all listen. Rejects FatalError PORT_TAKEN. */
  async open(): Promise<void> {
    for (let index = 0; index < this.#options.workers; index += 1) this.#start(index);
    await Promise.all(this.#opened.map(({ promise }) => promise));
  }

  post(worker: number, message: ToWorker): void {
    this.#workers[worker]?.postMessage(message);
  }

  postAll(message: ToWorker): void {
    for (const worker of this.#workers) worker.postMessage(message);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.postAll({ kind: 'close' });
    await Promise.all(this.#closed.map(({ promise }) => promise));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /** Without a word to the sessions; for an `open` that failed. */
  async terminate(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #start(index: number): void {
    const worker = new Worker(workerFile(), {
      name: `proxy-${index}`,
      workerData: { ...this.#options.settings, worker: index } satisfies WorkerSettings,
    });
    const opened = deferred();
    const closed = deferred();
    this.#workers.push(worker);
    this.#opened.push(opened);
    this.#closed.push(closed);
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'listening') opened.resolve();
      else if (message.kind === 'closed') closed.resolve();
      else if (message.kind === 'listen-failed') {
        void this.#listenFailed(message).then((error) => opened.reject(error));
      } else this.#options.onMessage(index, message);
    });
    worker.on('exit', () => closed.resolve());
    worker.on('error', (thrown) => {
      if (this.#isClosing) return;
      throw thrown;
    });
  }

  async #listenFailed(message: { readonly port: number; readonly reason: string }): Promise<Error> {
    const { addresses } = this.#options.settings;
    const name = portNames.find((candidate) => addresses[candidate].port === message.port);
    const host = name === undefined ? 'any address' : addresses[name].host;
    return await portTaken({ host, port: message.port }, message.reason);
  }
}

/** Beside this file: TypeScript in a checkout, JavaScript in a published package. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./worker/worker-main.${extension}`, import.meta.url);
}
