import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { NodeStatus } from '../../../admin/node-status.ts';
import { SystemClock } from '../../../base/clock.ts';
import { FatalReason } from '../../../base/fatal.ts';
import { silentLogger } from '../../../base/logger.ts';
import { locateMySql } from '../../../cli/locate-mysql.ts';
import { NodeChild } from '../../../cli/node-child.ts';
import { eventually } from '../../support/eventually.ts';
import { kill, processesNaming } from '../../support/processes.ts';
import { unlessAborted } from '../../support/unless-aborted.ts';
import type { FaultDisks, FaultNetwork, FaultSite } from '../site.ts';
import { Clocks } from './clocks.ts';
import { type SiteNode, writeClusterFiles } from './cluster-files.ts';
import { removeRun, thawAll } from './leftovers.ts';
import { LinkProxies, proxyHost } from './link-proxies.ts';
import { NamespaceNetwork, Namespaces } from './namespaces.ts';
import type { RunIdentity } from './run-identity.ts';
import { Volumes } from './volumes.ts';

export interface SiteOptions {
  readonly run: RunIdentity;
  readonly nodeCount: number;
  /** Made if it is not there; kept. */
  readonly directory: string;
  readonly basePort: number;
  /** Null: as nodes come. */
  readonly tickMs: number | null;
  readonly network: FaultNetwork['kind'];
  /** Log and MySQL server of each node get disks of their own. */
  readonly withDisks: boolean;
  /** The wall clocks of sidecars can be changed. */
  readonly withClocks: boolean;
  /** Told what happens to processes, one line each. */
  onLine(line: string): void;
}

const main = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));
const statusTimeoutMs = 2000;
const stopDeadlineMs = 8000;
/** Three servers initialise their data folders on a machine that may be busy. */
const readyTimeoutMs = 300_000;

/** Starts a cluster and waits until it serves. Whatever fails on the way, nothing of it stays but files. The run must have been noted. */
export async function startSite(options: SiteOptions, signal: AbortSignal): Promise<RunningSite> {
  const { run, directory, nodeCount, basePort, tickMs } = options;
  try {
    // Fetched now if there is none: nodes in namespaces reach nobody but each other.
    await unlessAborted(signal, locateMySql('', { logger: silentLogger, terminal: null }));
    const ids = Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`);
    const namespaces =
      options.network === 'namespaces' ? await Namespaces.create({ run, ids }) : null;
    signal.throwIfAborted();
    const { nodes, appPassword, adminPassword } = writeClusterFiles({
      directory,
      nodeCount,
      basePort,
      tickMs,
      hosts: (id) => placeOf(id, ids, namespaces),
    });
    const disks = options.withDisks ? await Volumes.create(nodes, signal) : null;
    const clocks = options.withClocks ? new Clocks(nodes) : null;
    const proxies = new LinkProxies(nodes, (id) => site.sidecarPid(id));
    const site: RunningSite = new RunningSite(options, {
      ...{ nodes, disks, clocks, appPassword, adminPassword },
      network: namespaces === null ? proxies : new NamespaceNetwork(namespaces, nodes),
      launcher: (id) => namespaces?.launcher(id) ?? [],
    });
    try {
      if (namespaces === null) await proxies.open();
      await site.open(signal);
    } catch (thrown) {
      // Its supervisors would start again what `removeRun` has ended.
      await site[Symbol.asyncDispose]();
      await proxies[Symbol.asyncDispose]();
      throw thrown;
    }
    return site;
  } catch (thrown) {
    await removeRun(run);
    throw thrown;
  }
}

function placeOf(
  id: string,
  ids: readonly string[],
  namespaces: Namespaces | null,
): { readonly host: string; readonly peerHost: string } {
  if (namespaces === null) return { host: '127.0.0.1', peerHost: proxyHost(ids, id) };
  return { host: namespaces.host(id), peerHost: namespaces.host(id) };
}

interface SiteParts {
  readonly nodes: readonly SiteNode[];
  readonly appPassword: string;
  readonly adminPassword: string;
  readonly network: FaultNetwork;
  readonly disks: FaultDisks | null;
  readonly clocks: Clocks | null;
  launcher(id: string): readonly string[];
}

/** The processes of a cluster, supervised as under `binraft up`, and what is between them. */
export class RunningSite implements FaultSite {
  readonly nodes: readonly (SiteNode & {
    readonly readWritePort: number;
    readonly readOnlyPort: number;
    readonly adminPort: number;
  })[];
  readonly appUser = 'app';
  readonly appPassword: string;
  readonly adminPassword: string;
  readonly network: FaultNetwork;
  readonly disks: FaultDisks | null;
  readonly clocks: Clocks | null;
  readonly #options: SiteOptions;
  readonly #children: Map<string, NodeChild>;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #exits = new Map<string, string[]>();
  readonly #launcher: SiteParts['launcher'];
  readonly #givenUp = new Set<string>();
  #isOpen = false;

  constructor(
    options: SiteOptions,
    { nodes, appPassword, adminPassword, network, disks, clocks, launcher }: SiteParts,
  ) {
    this.#options = options;
    this.appPassword = appPassword;
    this.adminPassword = adminPassword;
    this.network = network;
    this.disks = disks;
    this.clocks = clocks;
    this.nodes = nodes.map((node) => ({
      ...node,
      readWritePort: node.ports.readWrite,
      readOnlyPort: node.ports.readOnly,
      adminPort: node.ports.admin,
    }));
    this.#launcher = launcher;
    this.#children = new Map(nodes.map((node) => [node.id, this.#supervise(node)]));
  }

  /** Settles when one node serves and all others follow it. */
  async open(signal: AbortSignal): Promise<void> {
    this.#isOpen = true;
    await this.network.apply([]);
    for (const child of this.#children.values()) child.start();
    await eventually(
      async () => {
        if (this.#givenUp.size > 0) return await this.#explain();
        return signal.aborted || (await this.#isServing()) || null;
      },
      'the cluster serves',
      readyTimeoutMs,
    );
    signal.throwIfAborted();
    if (this.#givenUp.size > 0) throw new Error(await this.#explain());
  }

  async status(id: string): Promise<NodeStatus | null> {
    const { host, adminPort } = this.node(id);
    try {
      const response = await fetch(`http://${host}:${adminPort}/status`, {
        signal: AbortSignal.timeout(statusTimeoutMs),
      });
      return (await response.json()) as NodeStatus;
    } catch {
      return null;
    }
  }

  sidecarPid(id: string): number | null {
    const child = this.#processes.get(id);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    return child.pid ?? null;
  }

  get givenUp(): readonly string[] {
    return [...this.#givenUp];
  }

  exits(id: string): readonly string[] {
    return this.#exits.get(id) ?? [];
  }

  async stop(id: string): Promise<void> {
    await this.#children.get(id)?.stop(stopDeadlineMs);
    // Whoever has stopped a node supervises it no more.
    this.#children.set(id, this.#supervise(this.node(id)));
    this.#givenUp.add(id);
  }

  revive(id: string): void {
    if (this.#givenUp.delete(id)) this.#children.get(id)?.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(stopDeadlineMs);
  }

  /** Nodes have so long to stop in order. */
  async close(deadlineMs: number): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // Removing the namespaces heals as well; until then the nodes shall be able to stop in order, stopped processes too.
    await this.network.apply([]).catch(() => undefined);
    await thawAll(this.#options.run);
    for (const pid of processesNaming(`${this.#options.directory}/`)) kill(pid, 'SIGCONT');
    const stopped = [...this.#children.values()].map((child) => child.stop(deadlineMs));
    // One that waits for a disk that hangs again does not even obey SIGKILL; `removeRun` sees to both.
    await Promise.race([Promise.all(stopped), delay(deadlineMs + stopDeadlineMs)]);
    await this.network[Symbol.asyncDispose]();
    await removeRun(this.#options.run);
  }

  node(id: string): RunningSite['nodes'][number] {
    const found = this.nodes.find((node) => node.id === id);
    if (found === undefined) throw new Error(`no node ${id}`);
    return found;
  }

  #supervise(node: SiteNode): NodeChild {
    const { onLine } = this.#options;
    return new NodeChild(
      node,
      new SystemClock(),
      {
        onProgress: () => undefined,
        onReturn: ({ id }) => onLine(`${id} is back`),
        onRestart: ({ id }, why) => onLine(`${id} died (${why}); it is started again`),
        onFatal: ({ id }, code, message) => {
          this.#givenUp.add(id);
          onLine(`${id} stopped for good: ${code}: ${message}`);
        },
      },
      ({ id, configPath }, log) => this.#spawn(this.#launcher(id), { id, configPath, log }),
    );
  }

  #spawn(
    launcher: readonly string[],
    node: { readonly id: string; readonly configPath: string; readonly log: number },
  ): ChildProcess {
    const [program = '', ...args] = [
      ...launcher,
      ...[process.execPath, ...(this.clocks?.nodeOptions ?? [])],
      ...[main, 'node', '--config', node.configPath],
    ];
    // A group of its own: the terminal's Ctrl-C reaches the runner alone.
    const child = spawn(program, args, {
      stdio: ['ignore', node.log, node.log, 'ipc'],
      detached: true,
      env: { ...process.env, ...this.clocks?.environment(node.id) },
    });
    this.#processes.set(node.id, child);
    child.once('exit', (status, signal) => {
      this.#exits.set(node.id, [...this.exits(node.id), signal ?? reasonOf(status)]);
    });
    return child;
  }

  async #isServing(): Promise<boolean> {
    const statuses = await Promise.all(this.nodes.map(({ id }) => this.status(id)));
    return (
      statuses.some((status) => status?.proxy.isGateOpen && status.mysql.health === 'ok') &&
      statuses.every((status) => ['primary', 'replica'].includes(status?.mysql.role ?? ''))
    );
  }

  #explain(): Promise<string> {
    const [id = ''] = this.#givenUp;
    const lines = readFileSync(this.node(id).logPath, 'utf8').trim().split('\n').slice(-5);
    return Promise.resolve(`${id} stopped for good:\n${lines.join('\n')}`);
  }
}

function reasonOf(status: number | null): string {
  const found = Object.entries(FatalReason).find(([, known]) => known === status);
  return found === undefined ? `exit status ${status}` : found[0];
}
