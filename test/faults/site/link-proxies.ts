import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';
import { eventually } from '../../support/eventually.ts';
import type { FaultNetwork, LinkFault, LinkProof } from '../site.ts';
import type { SiteNode } from './cluster-files.ts';

// Where nobody may part namespaces: nodes on loopback reach each other through proxies of the runner. Node k listens on 127.0.0.1; the
// others know it as 127.0.1.k, where the proxy is. Who connects is told by the kernel's table of connections and the open files of the
// sidecars. What a cut link carries is withheld and arrives once the link is whole, as what TCP repeats would.

/** What a link may hold back of one connection. */
const heldBytesMax = 4 * 1024 * 1024;
/** What TCP waits before it repeats a lost segment, on a fast network. */
const repeatMs = 200;
const seenMs = 5_000;
const loopback = '127.0.0.1';

export function proxyHost(ids: readonly string[], id: string): string {
  return `127.0.1.${ids.indexOf(id) + 1}`;
}

interface LinkCount {
  held: number;
  passedWhileCut: number;
}

/** Whose sockets are looked at: the sidecar of a node, null between two lives. */
type PidOf = (id: string) => number | null;

export class LinkProxies implements FaultNetwork, AsyncDisposable {
  readonly kind = 'link-proxies';
  readonly #nodes: readonly SiteNode[];
  readonly #pidOf: PidOf;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #lanes = new Set<Lane>();
  #faults: readonly LinkFault[] = [];
  #counts = new Map<string, LinkCount>();

  constructor(nodes: readonly SiteNode[], pidOf: PidOf) {
    this.#nodes = nodes;
    this.#pidOf = pidOf;
  }

  async open(): Promise<void> {
    for (const node of this.#nodes) {
      const { raft, admin, forwardReadWrite, forwardReadOnly } = node.ports;
      for (const port of [raft, admin]) await this.#listen(node, port, 'everything');
      for (const port of [forwardReadWrite, forwardReadOnly]) {
        await this.#listen(node, port, 'sessions');
      }
    }
  }

  apply(faults: readonly LinkFault[]): Promise<void> {
    this.#faults = faults;
    this.#counts = new Map();
    for (const lane of this.#lanes) lane.look();
    return Promise.resolve();
  }

  /** Links that had nothing to carry prove nothing: it is enough that some held something back, and that none let anything through. */
  async prove(): Promise<readonly LinkProof[]> {
    const held = (link: LinkFault): number => this.#countOf(link).held;
    await eventually(
      async () => this.#faults.some((link) => held(link) > 0) || null,
      'a link held something back',
      seenMs,
    ).catch(() => null);
    const someHeld = this.#faults.some((link) => held(link) > 0);
    return this.#faults.map((link) => ({
      link,
      confirmed: someHeld && this.#countOf(link).passedWhileCut === 0,
      evidence: `${held(link)} pieces held back, ${this.#countOf(link).passedWhileCut} passed`,
    }));
  }

  async proveHealed(): Promise<readonly LinkProof[]> {
    const waiting = (): readonly Lane[] => [...this.#lanes].filter((lane) => lane.isWaiting);
    const isClear = await eventually(
      async () => waiting().length === 0 || null,
      'no link holds anything back',
      seenMs,
    ).catch(() => false);
    return this.#nodes.flatMap(({ id: from }) =>
      this.#nodes.flatMap(({ id: to }) => {
        if (from === to) return [];
        const link = { from, to, traffic: 'everything' as const, lostPermille: 0, delayMs: 0 };
        return [{ link, confirmed: isClear, evidence: isClear ? 'nothing waits' : 'held back' }];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(
      this.#servers.map((server) => new Promise((resolve) => server.close(resolve))),
    );
  }

  async #listen(node: SiteNode, port: number, traffic: LinkFault['traffic']): Promise<void> {
    const server = createServer((client) => this.#accept(client, { node, port, traffic }));
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: node.peerHost, port }, resolve);
    });
  }

  #accept(
    client: Socket,
    { node, port, traffic }: { node: SiteNode; port: number; traffic: LinkFault['traffic'] },
  ): void {
    const upstream = openSocket({ host: loopback, port });
    // Asked for once a link is faulty, and only once: it takes long to find out, and connections may come in hundreds.
    let known: { readonly from: string | null } | null = null;
    const from = (): string | null => {
      known ??= { from: this.#whoConnects(client.remotePort ?? 0, port) };
      return known.from;
    };
    const lanes = [
      new Lane(client, upstream, () => this.#faultOn({ from, to: () => node.id, traffic })),
      new Lane(upstream, client, () => this.#faultOn({ from: () => node.id, to: from, traffic })),
    ];
    for (const lane of lanes) this.#lanes.add(lane);
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        for (const lane of lanes) this.#lanes.delete(lane);
        client.destroy();
        upstream.destroy();
      });
    }
  }

  #faultOn(way: {
    readonly from: () => string | null;
    readonly to: () => string | null;
    readonly traffic: LinkFault['traffic'];
  }): LaneFault | null {
    if (this.#faults.length === 0) return null;
    const [sender, receiver] = [way.from(), way.to()];
    const fault = this.#faults.find(
      ({ from, to, traffic }) =>
        from === sender && to === receiver && (traffic === 'everything' || traffic === way.traffic),
    );
    return fault === undefined ? null : { fault, count: this.#countOf(fault) };
  }

  #countOf({ from, to, traffic }: LinkFault): LinkCount {
    const key = `${from} ${to} ${traffic}`;
    const count = this.#counts.get(key) ?? { held: 0, passedWhileCut: 0 };
    this.#counts.set(key, count);
    return count;
  }

  /** Null: no node of this cluster. */
  #whoConnects(localPort: number, remotePort: number): string | null {
    const inode = connectionInode(localPort, remotePort);
    if (inode === null) return null;
    const owner = this.#nodes.find(({ id }) => {
      const pid = this.#pidOf(id);
      return pid !== null && holds(pid, inode);
    });
    return owner?.id ?? null;
  }
}

interface LaneFault {
  readonly fault: LinkFault;
  readonly count: LinkCount;
}

/** One direction of one connection. */
class Lane {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #faultNow: () => LaneFault | null;
  readonly #queue: { readonly chunk: Buffer; readonly dueMs: number }[] = [];
  #queuedBytes = 0;
  #hasEnded = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(source: Socket, sink: Socket, faultNow: () => LaneFault | null) {
    this.#source = source;
    this.#sink = sink;
    this.#faultNow = faultNow;
    source.on('data', (chunk: Buffer) => this.#arrive(chunk));
    source.once('end', () => {
      this.#hasEnded = true;
      this.look();
    });
    sink.on('drain', () => this.look());
  }

  get isWaiting(): boolean {
    return this.#queue.length > 0;
  }

  #arrive(chunk: Buffer): void {
    const found = this.#faultNow();
    this.#queue.push({ chunk, dueMs: performance.now() + latenessMs(found) });
    this.#queuedBytes += chunk.length;
    if (found !== null) found.count.held += 1;
    if (this.#queuedBytes > heldBytesMax) this.#source.pause();
    this.look();
  }

  /** Sends what is due. To be called whenever that may have changed. */
  look(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const fault = this.#faultNow()?.fault ?? null;
    if (fault !== null && isCut(fault)) return;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const waitMs = first.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.look(), waitMs);
        return;
      }
      this.#queue.shift();
      this.#queuedBytes -= first.chunk.length;
      // A sink that is full says when it drained.
      if (!this.#sink.write(first.chunk)) break;
    }
    if (this.#queuedBytes <= heldBytesMax) this.#source.resume();
    if (this.#hasEnded && this.#queue.length === 0) this.#sink.end();
  }
}

function isCut({ lostPermille }: LinkFault): boolean {
  return lostPermille === 1000;
}

/** A stream loses nothing: what is lost comes late. */
function latenessMs(found: LaneFault | null): number {
  if (found === null || isCut(found.fault)) return 0;
  const { lostPermille, delayMs } = found.fault;
  return delayMs + (Math.random() * 1000 < lostPermille ? repeatMs : 0);
}

/** Of the connection between two ports of loopback, seen from the end that has the first; see proc(5), `/proc/net/tcp`. */
function connectionInode(localPort: number, remotePort: number): string | null {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, local = '', remote = '', , , , , , , inode = ''] = line.trim().split(/\s+/);
    if (local.endsWith(`:${hex(localPort)}`) && remote.endsWith(`:${hex(remotePort)}`))
      return inode;
  }
  return null;
}

function holds(pid: number, inode: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(pid, fd) === `socket:[${inode}]`);
  } catch {
    return false;
  }
}

function linkOf(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
}
