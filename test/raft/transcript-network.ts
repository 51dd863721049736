import { assert } from '../../base/assert.ts';
import { utf8 } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import type { RaftConfig } from '../../raft/core/config.ts';
import type { MemberChange } from '../../raft/core/member-changes.ts';
import type { Member } from '../../raft/core/membership.ts';
import type { Message } from '../../raft/core/messages.ts';
import { logIndex, type NodeId, nodeId } from '../../raft/core/types.ts';
import {
  describeEffect,
  describeEntry,
  describeId,
  describeMembership,
  describeMessage,
  describeStatus,
} from './describe.ts';
import { SimulatedNode } from './simulated-node.ts';

interface InFlight {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: Message;
}

/** Small numbers, so that a transcript is short. */
const timings = {
  heartbeatTicks: 2,
  electionTicksMin: 6,
  electionTicksMax: 20,
  applyLagMax: 100,
  transferTicksMax: 8,
  inflightAppendsMax: 3,
  appendEntriesMax: 4,
  appendBytesMax: 1024,
  uncommittedBytesMax: 2048,
};

/** The timeout of n1 is the shortest, that of n2 two ticks longer, and so on: who campaigns first is no luck. */
function inOrder(place: number): Random {
  return { below: (low, high) => Math.min(low + 2 * place, high - 1) };
}

const settleRoundsMax = 100;

/**
 * Some machines, and every message and disk write between them in the hands of a transcript. Each command
 * returns what the machines ordered in answer to it.
 */
export class TranscriptNetwork {
  readonly #nodes = new Map<NodeId, SimulatedNode>();
  #inFlight: InFlight[] = [];
  readonly #isolated = new Set<NodeId>();
  #lines: string[] = [];

  run(command: string): string {
    const [verb = '', ...words] = command.split(/\s+/);
    this.#lines = [];
    const action = this.#verbs[verb];
    assert(action !== undefined, `no verb ${verb}`);
    action(words);
    return this.#lines.join('\n');
  }

  readonly #verbs: Readonly<Record<string, (words: string[]) => void>> = {
    /** network n1 n2 n3 [heartbeatTicks=1 …]: new nodes; settings override the timings. */
    network: (words) => this.#create(words),
    /** wait n4 [stateless]: a new node that knows of nobody, to be added. */
    wait: ([id = '', part]) =>
      this.#createNode({
        self: nodeId(id),
        initialMembers: [],
        isStateless: part === 'stateless',
      }),
    /** change n1 7 +p:n4 -n2 =w:n3: adds, removes and updates members, under the number 7. */
    change: ([id = '', changeId, ...changes]) =>
      this.#node(id).step({
        kind: 'change-membership',
        changeId: Number(changeId),
        changes: changes.map(changeOf),
      }),
    members: ([who]) => {
      for (const node of this.#up(who)) {
        const { membership, membershipIndex } = node.status;
        this.#print([`${node.id} ${describeMembership(membership)} at ${membershipIndex}`]);
      }
    },
    tick: ([who, count = '1']) => {
      for (let done = 0; done < Number(count); done += 1) {
        for (const node of this.#up(who)) node.step({ kind: 'tick' });
      }
    },
    persist: ([who, count]) => {
      for (const node of this.#up(who))
        node.persist(count === undefined ? undefined : Number(count));
    },
    /** deliver [n1>n2] [kind]: what is on the wire now, not what that causes. */
    deliver: (words) => this.#deliver(words),
    drop: (words) => {
      this.#inFlight = this.#inFlight.filter((sent) => !matches(sent, words));
    },
    /** A second copy of what is on the wire, behind everything else. */
    duplicate: (words) => {
      this.#inFlight.push(...this.#inFlight.filter((sent) => matches(sent, words)));
    },
    /** The newest comes first. */
    reverse: () => {
      this.#inFlight.reverse();
    },
    messages: () => this.#print(this.#inFlight.map(describeInFlight)),
    /** Disks and wires do their work until nothing is left; time stands still. */
    settle: ([quietly]) => this.#settle(quietly === 'quietly'),
    /** run n1,n2 12: so many ticks, and all that follows from each. */
    run: ([who, count]) => {
      for (let done = 0; done < Number(count); done += 1) {
        for (const node of this.#up(who)) node.step({ kind: 'tick' });
        this.#settle(true);
      }
    },
    isolate: (ids) => {
      for (const id of ids) this.#isolated.add(nodeId(id));
      this.#inFlight = this.#inFlight.filter((sent) => this.#isConnected(sent));
    },
    heal: () => this.#isolated.clear(),
    crash: ([id = '', finishedWrites = '0']) => this.#node(id).crash(Number(finishedWrites)),
    restart: ([id = '']) => this.#node(id).restart(),
    propose: ([id = '', ...texts]) =>
      this.#node(id).step({ kind: 'propose', payloads: texts.map(expand) }),
    read: ([id = '', readId]) =>
      this.#node(id).step({ kind: 'read-index', readId: Number(readId) }),
    transfer: ([id = '', target]) => {
      const to = target === undefined ? null : nodeId(target);
      this.#node(id).step({ kind: 'transfer-leadership', transferId: 1, target: to });
    },
    /** read-of-leader n2 7: on any node, which asks its leader. */
    'read-of-leader': ([id = '', readId]) =>
      this.#node(id).step({ kind: 'read-index-of-leader', readId: Number(readId) }),
    /** snapshot n1: of all that is applied there. */
    snapshot: ([id = '']) => this.#node(id).takeSnapshot(),
    compact: ([id = '', upTo]) =>
      this.#node(id).step({ kind: 'compact', upTo: logIndex(Number(upTo)) }),
    /** fetched n3 [failed]: the fetch under way ends. */
    fetched: ([id = '', outcome]) => this.#node(id).endFetch(outcome !== 'failed'),
    'step-down': ([id = '']) => this.#node(id).step({ kind: 'step-down' }),
    applied: ([id = '', index]) =>
      this.#node(id).step({ kind: 'applied', index: logIndex(Number(index)) }),
    electable: ([id = '', claim]) =>
      this.#node(id).step({ kind: 'set-electable', isElectable: claim === 'yes' }),
    unreachable: ([id = '', peer = '']) =>
      this.#node(id).step({ kind: 'peer-unreachable', peer: nodeId(peer) }),
    /** A message that nobody sent: inject n9>n1 {"kind":…} */
    inject: ([route = '', ...json]) => {
      const [from = '', to = ''] = route.split('>');
      const message: Message = JSON.parse(json.join(' '), (key, value) =>
        key === 'payload' ? utf8(value) : value,
      );
      this.#node(to).step({ kind: 'message', from: nodeId(from), message });
    },
    status: ([who]) => {
      for (const node of this.#named(who)) {
        this.#print([`${node.id} ${node.isUp ? describeStatus(node.status) : 'down'}`]);
      }
    },
    progress: ([id = '']) => {
      for (const peer of this.#node(id).status.peers) {
        this.#print([`${peer.id} match=${peer.matchIndex} applied=${peer.appliedIndex ?? '-'}`]);
      }
    },
    /** The log as the machine sees it; what is past the bar is not durable. */
    log: ([who]) => {
      for (const node of this.#up(who)) {
        const entries = node.entries.map(describeEntry);
        const { persistedIndex, firstIndex } = node.status;
        entries.splice(Math.max(0, persistedIndex - firstIndex + 1), 0, '|');
        const { snapshot } = node.log;
        if (snapshot !== null) entries.unshift(`(${describeId(snapshot.last)})`);
        this.#print([`${node.id} ${entries.join(' ')}`]);
      }
    },
  };

  #create(words: readonly string[]): void {
    const members = words.filter((word) => !word.includes('=')).map(memberOf);
    const settings = words.filter((word) => word.includes('=')).map((word) => word.split('='));
    const overrides = Object.fromEntries(settings.map(([name, value]) => [name, Number(value)]));
    for (const { id, kind } of members) {
      const isStateless = kind === 'witness';
      this.#createNode({ ...overrides, self: id, initialMembers: members, isStateless });
    }
  }

  #createNode(config: Pick<RaftConfig, 'self' | 'initialMembers' | 'isStateless'>): void {
    const node = new SimulatedNode({
      config: { ...timings, ...config },
      random: inOrder(this.#nodes.size),
      onEffect: ({ id }, effect) => this.#print([`${id} ${describeEffect(effect)}`]),
      onSend: ({ id }, to, message) => this.#send({ from: id, to, message }),
    });
    this.#nodes.set(config.self, node);
  }

  #send(sent: InFlight): void {
    if (this.#isConnected(sent)) this.#inFlight.push(sent);
  }

  #isConnected({ from, to }: InFlight): boolean {
    return !this.#isolated.has(from) && !this.#isolated.has(to);
  }

  #deliver(words: readonly string[]): void {
    const delivered = this.#inFlight.filter((sent) => matches(sent, words));
    this.#inFlight = this.#inFlight.filter((sent) => !matches(sent, words));
    for (const { from, to, message } of delivered) {
      const node = this.#nodes.get(to);
      if (node?.isUp !== true) continue;
      this.#print([`# ${describeInFlight({ from, to, message })}`]);
      node.step({ kind: 'message', from, message });
    }
  }

  #settle(isQuiet: boolean): void {
    for (let round = 0; round < settleRoundsMax; round += 1) {
      for (const node of this.#up('all')) node.persist();
      const isAtRest = this.#up('all').every((node) => node.unwrittenCount === 0);
      if (isAtRest && this.#inFlight.length === 0) {
        if (isQuiet) this.#lines = [];
        return;
      }
      this.#deliver([]);
    }
    assert(false, 'the network never comes to rest');
  }

  #node(id: string): SimulatedNode {
    const node = this.#nodes.get(nodeId(id));
    assert(node !== undefined, `no node ${id}`);
    return node;
  }

  #named(who: string = 'all'): SimulatedNode[] {
    return who === 'all' ? [...this.#nodes.values()] : who.split(',').map((id) => this.#node(id));
  }

  #up(who: string | undefined): SimulatedNode[] {
    return this.#named(who).filter((node) => node.isUp);
  }

  #print(lines: readonly string[]): void {
    this.#lines.push(...lines);
  }
}

/** `n1>n2`, `n1>`, `>n2`, a kind of message, or several of these; nothing matches everything. */
function matches({ from, to, message }: InFlight, words: readonly string[]): boolean {
  return words.every((word) => {
    if (!word.includes('>')) return message.kind === word;
    const [sender, receiver] = word.split('>');
    return (sender === '' || sender === from) && (receiver === '' || receiver === to);
  });
}

function describeInFlight({ from, to, message }: InFlight): string {
  return `${from}>${to} ${describeMessage(message)}`;
}

/** `n4` is a voter, `w:n4` a witness, `l:n4` a learner, `p:n4` and `q:n4` learners that become a voter or a witness. */
function memberOf(text: string): Member {
  const [kind = '', id = ''] = text.includes(':') ? text.split(':') : ['v', text];
  const part = memberParts[kind];
  assert(part !== undefined, `no member ${text}`);
  return { id: nodeId(id), address: null, ...part };
}

const memberParts: Readonly<Record<string, Pick<Member, 'kind' | 'promotion'>>> = {
  v: { kind: 'voter', promotion: null },
  w: { kind: 'witness', promotion: null },
  l: { kind: 'learner', promotion: null },
  p: { kind: 'learner', promotion: 'voter' },
  q: { kind: 'learner', promotion: 'witness' },
};

function changeOf(text: string): MemberChange {
  const rest = text.slice(1);
  if (text.startsWith('+')) return { kind: 'add', member: memberOf(rest) };
  if (text.startsWith('=')) return { kind: 'update', member: memberOf(rest) };
  return { kind: 'remove', id: nodeId(rest) };
}

/** `x*500` is five hundred times x. */
function expand(text: string): Uint8Array {
  const [unit = '', count] = text.split('*');
  return utf8(count === undefined ? unit : unit.repeat(Number(count)));
}
