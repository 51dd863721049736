import { eventually } from '../../support/eventually.ts';
import type { FaultNetwork, LinkFault, LinkProof } from '../site.ts';
import type { SiteNode } from './cluster-files.ts';
import { DelayLines } from './delay-lines.ts';
import type { RunIdentity } from './run-identity.ts';
import { firstLineOf, needTool, runTool } from './run-tool.ts';

// One network namespace per node, all on a bridge in a namespace of its own, and one cable from there to where the runner and the
// clients are:
//
//   root ── <run>-net [ bridge ] ─┬─ <run>-n1   10.93.S.1
//   10.93.S.254                   ├─ <run>-n2   10.93.S.2
//                                 └─ <run>-n3   10.93.S.3
//
// What `a` sends `b` is dropped in `b`'s namespace, as it comes in, by a table that holds nothing else.

const subnetsMax = 250;
const rootHost = 254;
const table = 'binraft_faults';
/** Long enough for the first packet of a connection to be sent, and sent again, before the probe gives up. */
const cutProbeSeconds = '2';
/** A machine that is busy elsewhere may be slow to probe; a link that works is no slower for that. */
const wholeProbeSeconds = '20';
/** Status of timeout(1) when it had to end its command. */
const timedOut = 124;
/** Lost packets are seen as soon as the nodes speak, which they do several times a second. */
const lossSeenMs = 4_000;

/** Where the nodes of a run will be. */
export interface NamespacePlan {
  readonly run: RunIdentity;
  readonly ids: readonly string[];
}

/** Why nodes cannot be parted here; null when two namespaces could be made, and packets be dropped in them. What was made stays. */
export async function whyNoNamespaces(run: RunIdentity): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  try {
    const made = await Namespaces.create({ run, ids: ['probe'] });
    const [program = '', ...args] = made.launcher('probe');
    const rules = ['    numgen random mod 1000 < 1 counter drop comment "0"'];
    await needTool(program, [...args, 'nft', '-f', '-'], dropScript(rules));
    await needTool('timeout', ['1', 'bash', '--norc', '-c', ':']);
    return null;
  } catch (thrown) {
    return `network namespaces cannot be made: ${firstLineOf(thrown)}`;
  }
}

/** One transaction: there is no moment without a rule that was and will be there. */
function dropScript(rules: readonly string[]): string {
  return [
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    '  chain arrivals {',
    '    type filter hook input priority -10; policy accept;',
    ...rules,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** The namespaces, before any node runs in them. What was made stays until `removeRun`. */
export class Namespaces {
  readonly #run: RunIdentity;
  readonly #ids: readonly string[];
  #subnet = 0;

  private constructor({ run, ids }: NamespacePlan) {
    this.#run = run;
    this.#ids = ids;
  }

  static async create(plan: NamespacePlan): Promise<Namespaces> {
    const made = new Namespaces(plan);
    await made.#make();
    return made;
  }

  host(id: string): string {
    return `10.93.${this.#subnet}.${this.#ids.indexOf(id) + 1}`;
  }

  /** In front of a command that shall run where the node is. Becomes the command: same process, same channels. */
  launcher(id: string): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.name(id)}`];
  }

  name(id: string): string {
    return `${this.#run.name}-${id}`;
  }

  async #make(): Promise<void> {
    const hub = this.name('net');
    await needTool('ip', ['netns', 'add', hub]);
    await inNamespace(hub, ['link set lo up', 'link add br0 type bridge', 'link set br0 up']);
    this.#subnet = await claimSubnet(hub);
    await inNamespace(hub, ['link set up0 master br0', 'link set up0 up']);
    for (const [index, id] of this.#ids.entries()) await this.#addNode(hub, id, index + 1);
  }

  async #addNode(hub: string, id: string, number: number): Promise<void> {
    const name = this.name(id);
    await needTool('ip', ['netns', 'add', name]);
    await inNamespace(hub, [
      `link add port${number} type veth peer name eth0 netns ${name}`,
      `link set port${number} master br0`,
      `link set port${number} up`,
    ]);
    await inNamespace(name, [
      'link set lo up',
      `addr add ${this.host(id)}/24 dev eth0`,
      'link set eth0 up',
    ]);
  }
}

/** The name of the cable's end in the root namespace is the claim: it can be there only once. */
async function claimSubnet(hub: string): Promise<number> {
  for (let subnet = 1; subnet <= subnetsMax; subnet += 1) {
    const device = `bft${subnet}`;
    const made = await runTool('ip', [
      ...['link', 'add', device, 'type', 'veth'],
      ...['peer', 'name', 'up0', 'netns', hub],
    ]);
    if (made.status !== 0 && !made.errors.includes('File exists')) {
      throw new Error(`cannot make the link ${device}: ${made.errors.trim()}`);
    }
    if (made.status !== 0) continue;
    await needTool('ip', ['addr', 'add', `10.93.${subnet}.${rootHost}/24`, 'dev', device]);
    await needTool('ip', ['link', 'set', device, 'up']);
    return subnet;
  }
  throw new Error(`all ${subnetsMax} subnets for fault tests are taken`);
}

async function inNamespace(name: string, commands: readonly string[]): Promise<void> {
  await needTool('ip', ['-n', name, '-batch', '-'], `${commands.join('\n')}\n`);
}

/** Drops packets between namespaces. */
export class NamespaceNetwork implements FaultNetwork {
  readonly kind = 'namespaces';
  readonly #namespaces: Namespaces;
  readonly #nodes: readonly SiteNode[];
  readonly #lines: DelayLines;
  #faults: readonly LinkFault[] = [];

  constructor(namespaces: Namespaces, nodes: readonly SiteNode[]) {
    this.#namespaces = namespaces;
    this.#lines = new DelayLines(namespaces);
    this.#nodes = nodes;
  }

  async apply(faults: readonly LinkFault[]): Promise<void> {
    this.#faults = faults;
    await this.#lines.apply(faults);
    await Promise.all(this.#nodes.map((node) => this.#applyAt(node)));
  }

  async #applyAt({ id }: SiteNode): Promise<void> {
    const rules = this.#faults.flatMap((fault, index) =>
      fault.to === id && fault.lostPermille > 0
        ? [`    ${this.#match(fault)} counter drop comment "${index}"`]
        : [],
    );
    await this.#nft(id, ['-f', '-'], dropScript(rules));
  }

  #match({ from, to, traffic, lostPermille }: LinkFault): string {
    const source = `ip saddr ${this.#namespaces.host(from)}`;
    const { ports } = this.#node(to);
    const sessions =
      traffic === 'sessions'
        ? ` tcp dport { ${ports.forwardReadWrite}, ${ports.forwardReadOnly} }`
        : '';
    const luck = lostPermille < 1000 ? ` numgen random mod 1000 < ${lostPermille}` : '';
    return `${source}${sessions}${luck}`;
  }

  /** What was made goes with the run. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.apply([]).catch(() => undefined);
  }

  async prove(): Promise<readonly LinkProof[]> {
    return await Promise.all(this.#faults.map((fault, index) => this.#prove(fault, index)));
  }

  async proveHealed(): Promise<readonly LinkProof[]> {
    const links = this.#nodes.flatMap(({ id: from }) =>
      this.#nodes.flatMap(({ id: to }) => (from === to ? [] : [wholeLink(from, to)])),
    );
    return await Promise.all(
      links.map(async (link) => {
        const arrives = await this.#arrives(link, wholeProbeSeconds);
        return { link, confirmed: arrives, evidence: arrives ? 'probe arrives' : 'probe is lost' };
      }),
    );
  }

  async #prove(link: LinkFault, index: number): Promise<LinkProof> {
    if (link.delayMs > 0) return await this.#proveDelay(link);
    if (link.lostPermille < 1000) return await this.#proveLoss(link, index);
    const arrives = await this.#arrives(link, cutProbeSeconds);
    const dropped = await this.#dropped(link, index);
    return {
      link,
      confirmed: !arrives && dropped > 0,
      evidence: `${dropped} packets dropped, probe ${arrives ? 'arrives' : 'is lost'}`,
    };
  }

  async #proveLoss(link: LinkFault, index: number): Promise<LinkProof> {
    const seen = eventually(
      async () => (await this.#dropped(link, index)) || null,
      `packets from ${link.from} to ${link.to} are dropped`,
      lossSeenMs,
    );
    const dropped = await seen.catch(() => 0);
    return { link, confirmed: dropped > 0, evidence: `${dropped} packets dropped` };
  }

  /** A connection is open when a packet has gone there and one has come back: that took as long as the way there takes now. */
  async #proveDelay(link: LinkFault): Promise<LinkProof> {
    const tookMs = await this.#connectMs(link);
    const passed = await this.#lines.passed(link.from);
    return {
      link,
      confirmed: tookMs >= link.delayMs && passed > 0,
      evidence: `connected after ${tookMs.toFixed(0)} ms, ${passed} packets came late`,
    };
  }

  /** 0: it never was. */
  async #connectMs({ from, to }: LinkFault): Promise<number> {
    const [program = '', ...args] = [
      ...this.#namespaces.launcher(from),
      ...['timeout', wholeProbeSeconds, 'bash', '--norc', '-c'],
      `b=$EPOCHREALTIME; : > /dev/tcp/${this.#namespaces.host(to)}/${this.#node(to).ports.raft} && echo $b $EPOCHREALTIME`,
    ];
    const { output } = await runTool(program, args);
    const [begin = 0, end = 0] = output.split(' ').map(Number);
    return (end - begin) * 1000;
  }

  /** Whether the first packet of a connection gets an answer; that of a port nobody listens on does. Bash reads no file at its start: with a socket for its input it takes itself for a remote login. */
  async #arrives({ from, to, traffic }: LinkFault, seconds: string): Promise<boolean> {
    const { ports } = this.#node(to);
    const port = traffic === 'sessions' ? ports.forwardReadWrite : ports.raft;
    const [program = '', ...args] = [
      ...this.#namespaces.launcher(from),
      ...['timeout', seconds, 'bash', '--norc', '-c'],
      `: > /dev/tcp/${this.#namespaces.host(to)}/${port}`,
    ];
    return (await runTool(program, args)).status !== timedOut;
  }

  async #dropped({ to }: LinkFault, index: number): Promise<number> {
    const listed = await this.#nft(to, ['list', 'table', 'inet', table]);
    const pattern = new RegExp(`counter packets (\\d+) bytes \\d+ drop comment "${index}"`);
    return Number(pattern.exec(listed)?.[1] ?? 0);
  }

  async #nft(id: string, args: readonly string[], input = ''): Promise<string> {
    const [program = '', ...rest] = [...this.#namespaces.launcher(id), 'nft', ...args];
    return await needTool(program, rest, input);
  }

  #node(id: string): SiteNode {
    const found = this.#nodes.find((node) => node.id === id);
    if (found === undefined) throw new Error(`no node ${id}`);
    return found;
  }
}

function wholeLink(from: string, to: string): LinkFault {
  return { from, to, traffic: 'everything', lostPermille: 0, delayMs: 0 };
}
