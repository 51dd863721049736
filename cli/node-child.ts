import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { assertNever } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { FatalReason } from '../base/fatal.ts';
import { youngGenerationFlags } from './heap-growth.ts';
import type { LocalNode } from './local-cluster.ts';
import { NodeLog } from './node-log.ts';
import { RestartDelay } from './restart-delay.ts';

/** What a node process tells its parent. */
export type ChildMessage =
  | { readonly kind: 'progress'; readonly text: string }
  /** All its listeners are open. */
  | { readonly kind: 'open' }
  | { readonly kind: 'fatal'; readonly code: string; readonly message: string };

/** What the parent tells a node process. */
export interface ParentMessage {
  /** The whole cluster stops: do not hand leadership over first. */
  readonly kind: 'stop-cluster';
}

export interface NodeChildEvents {
  onProgress(node: LocalNode, text: string): void;
  /** The process is gone and will not be started again: its reason does not pass by itself. */
  onFatal(node: LocalNode, code: string, message: string): void;
  onRestart(node: LocalNode, why: string): void;
  /** A node that died is open again. */
  onReturn(node: LocalNode): void;
}

/** Environment faults that pass by themselves, or may: the node is started again. */
const passingReasons: readonly string[] = [
  'LOG_STORE_FAILED',
  'SNAPSHOT_STUCK',
  'START_TIMEOUT',
  'DATA_IN_USE',
];

/** Starts the process of a node, which writes to the open file `log`. */
export type SpawnNode = (node: LocalNode, log: number) => ChildProcess;

/** One end of a process. */
interface Exit {
  readonly why: string;
  readonly status: number | null;
  readonly startedMs: number;
}

/** One node of a local cluster as a process of its own, started again when it dies. */
export class NodeChild {
  readonly node: LocalNode;
  readonly #clock: Clock;
  readonly #events: NodeChildEvents;
  readonly #startProcess: SpawnNode;
  #child: ChildProcess | null = null;
  #isStopping = false;
  #hasDied = false;
  /** Its ports were free once: whoever has them now is what an earlier life left, and on its way out. */
  #wasOpen = false;
  #isGivenUp = false;
  readonly #restartDelay = new RestartDelay();
  readonly #log: NodeLog;
  #fatal: { readonly code: string; readonly message: string } | null = null;
  readonly #restartWait = new AbortController();

  constructor(
    node: LocalNode,
    clock: Clock,
    events: NodeChildEvents,
    startProcess: SpawnNode = spawnNode,
  ) {
    this.node = node;
    this.#startProcess = startProcess;
    this.#clock = clock;
    this.#events = events;
    this.#log = new NodeLog(node.logPath, clock);
  }

  /** It died of what does not pass by itself, and stays down. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  start(): void {
    this.#fatal = null;
    const startedMs = this.#clock.monotonicMs();
    const child = this.#log.lend((log) => this.#startProcess(this.node, log));
    this.#child = child;
    child.on('message', (message) => this.#receive(message as ChildMessage));
    child.once('error', (error) => this.#exited({ why: error.message, status: null, startedMs }));
    child.once('exit', (status, signal) => {
      const why = signal === null ? `exit status ${status}` : `signal ${signal}`;
      this.#exited({ why, status, startedMs });
    });
  }

  /** Asks the node to stop with the whole cluster; SIGKILL at the deadline. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    this.#restartWait.abort();
    this.#log.close();
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    if (child.connected)
      child.send({ kind: 'stop-cluster' } satisfies ParentMessage, () => undefined);
    const timeout = new AbortController();
    const deadline = this.#clock
      .delay(deadlineMs, { signal: timeout.signal })
      .then(() => child.kill('SIGKILL'))
      .catch(() => undefined);
    await gone;
    timeout.abort();
    await deadline;
  }

  #receive(message: ChildMessage): void {
    switch (message.kind) {
      case 'progress':
        this.#events.onProgress(this.node, message.text);
        break;
      case 'open':
        this.#wasOpen = true;
        if (this.#hasDied) this.#events.onReturn(this.node);
        this.#hasDied = false;
        break;
      case 'fatal':
        this.#fatal = message;
        break;
      default:
        assertNever(message);
    }
  }

  #exited({ why, status, startedMs }: Exit): void {
    if (this.#child === null) return;
    this.#child = null;
    if (this.#isStopping) return;
    const fatal = this.#fatal ?? this.#fatalOf(status);
    if (fatal !== null && fatal.code in FatalReason && !this.#mayPass(fatal.code)) {
      this.#isGivenUp = true;
      this.#events.onFatal(this.node, fatal.code, fatal.message);
      return;
    }
    this.#hasDied = true;
    this.#events.onRestart(this.node, fatal === null ? why : `${why}: ${fatal.message}`);
    this.#startLater(this.#restartDelay.after(this.#clock.monotonicMs() - startedMs));
  }

  #mayPass(code: string): boolean {
    return passingReasons.includes(code) || (this.#wasOpen && code === 'PORT_TAKEN');
  }

  /** Of a process that ended before it could tell, its exit status does: its configuration may not even be readable. */
  #fatalOf(status: number | null): { readonly code: string; readonly message: string } | null {
    const found = Object.entries(FatalReason).find(([, reasonStatus]) => reasonStatus === status);
    if (found === undefined) return null;
    return { code: found[0], message: `see ${this.node.logPath}` };
  }

  #startLater(delayMs: number): void {
    this.#clock.delay(delayMs, { signal: this.#restartWait.signal }).then(
      () => this.#startAgain(),
      // Aborted: all nodes stop.
      () => undefined,
    );
  }

  /** Its log may be impossible to open for a while: that is tried again like everything else. */
  #startAgain(): void {
    try {
      this.start();
    } catch (thrown) {
      this.#events.onRestart(this.node, messageOf(thrown));
      this.#startLater(this.#restartDelay.after(0));
    }
  }
}

function spawnNode(node: LocalNode, log: number): ChildProcess {
  // The twin of this file, in a checkout as in a build.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const main = fileURLToPath(new URL(`main.${extension}`, import.meta.url));
  // A group of its own: the terminal's Ctrl-C reaches the parent alone, which then stops the nodes in order.
  const args = [...youngGenerationFlags, main, 'node', '--config', node.configPath];
  return spawn(process.execPath, args, {
    stdio: ['ignore', log, log, 'ipc'],
    detached: true,
  });
}
