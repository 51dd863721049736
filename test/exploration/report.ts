import type { NodeView } from './checkers/checker.ts';
import type { Counterexample } from './explorer.ts';
import { type NodeState, waitingOf } from './node-state.ts';
import { viewOf } from './raft-model.ts';
import { nameOfClientState, type Shared } from './shared-state.ts';
import { entryText, nodeName, shortTextOf } from './text.ts';
import type { World, WorldState } from './world.ts';

/** A counterexample for a person: numbered steps, each with what it changed, and the whole state before and after. */
export function reportOf(world: World, { violation, root, path }: Counterexample): string {
  const lines = [`${violation.property} is violated: ${violation.reason}`, ''];
  lines.push('before the first step', ...tableOf(world, root), '');
  let before = root;
  path.forEach(({ label, state }, place) => {
    lines.push(`${String(place + 1).padStart(3)}. ${label}`);
    lines.push(...changesOf(world, before, state).map((change) => `       ${change}`));
    before = state;
  });
  lines.push('', 'after the last step', ...tableOf(world, before));
  lines.push(
    '',
    'entries: term, content=server:number; a name A:1 is the GTID of the first write of server A',
  );
  return `${lines.join('\n')}\n`;
}

type Row = Readonly<Record<string, string>>;

function rowOf({ node, role }: NodeView): Row {
  return {
    raft: raftText(node),
    log: `${node.log.map(entryText).join(', ') || 'empty'} (committed ${node.commitIndex})`,
    role: node.isUp ? role.kind : 'sidecar down',
    task: taskText(node),
    gate: node.gateTerm === 0 ? 'shut' : `open, term ${node.gateTerm}`,
    mysqld: serverText(node),
    tail: node.tail === 'none' ? 'none' : `${node.tail}, received ${node.received}`,
    engine: node.engine.map(shortTextOf).join(', ') || 'empty',
    binlog: node.binlog.map(shortTextOf).join(', ') || 'empty',
    waiting: waitingOf(node).map(shortTextOf).join(', ') || 'nothing',
  };
}

function raftText(node: NodeState): string {
  if (!node.isUp) return `down, term ${node.term}`;
  const { isTailDecided } = viewOf(node);
  const role = node.isLeader ? 'leader' : node.hasLeader ? 'follower' : 'knows no leader';
  return `${role}, term ${node.term}${isTailDecided ? ', decided' : ''}`;
}

function taskText({ running, ending }: NodeState): string {
  const tasks = [
    running === null ? null : `${running.kind}/${running.stage}`,
    ending === null ? null : `cancelled ${ending.kind}/${ending.stage}`,
  ];
  return tasks.filter((each) => each !== null).join(', ') || 'none';
}

function serverText(node: NodeState): string {
  if (!node.isServerUp) return 'down';
  const parts = [
    node.isReadOnly ? 'read-only' : 'writable',
    node.isFollowing ? 'follows' : null,
    node.acked > 0 ? `acked ${node.acked}` : null,
    node.arriving.length > 0 ? `arriving ${node.arriving.join(', ')}` : null,
  ];
  return parts.filter((each) => each !== null).join(', ');
}

function sharedText({ ledger, clients }: Shared): Row {
  return {
    'committed in Raft': ledger.map(entryText).join(', ') || 'nothing',
    clients: clients.map((each, place) => `write ${place + 1} ${clientText(each)}`).join(', '),
  };
}

function clientText(client: number): string {
  switch (nameOfClientState(client)) {
    case 'unsent':
      return 'not sent';
    case 'sent':
      return 'sent, no answer';
    case 'refused':
      return 'heard an error';
    case 'ok':
      return `heard OK for ${shortTextOf(client)}`;
  }
}

function positionsOf(state: WorldState): readonly number[] {
  return state.slice(0, -1).map((_, position) => position);
}

/** The whole state, a line per property and a column per node. */
export function tableOf(world: World, state: WorldState): readonly string[] {
  const rows = positionsOf(state).map((position) => rowOf(world.viewAt(state, position)));
  const names = Object.keys(rows[0] ?? {});
  const widths = rows.map((row) => Math.max(...Object.values(row).map(({ length }) => length)));
  const lines = names.map((name) => {
    const cells = rows.map((row, column) => (row[name] ?? '').padEnd(widths[column] ?? 0));
    return `  ${name.padEnd(8)} | ${cells.join(' | ')}`.trimEnd();
  });
  const heads = rows.map((_, column) => nodeName(column).padEnd(widths[column] ?? 0));
  const shared = Object.entries(sharedText(world.sharedAt(state)));
  return [
    `  ${'node'.padEnd(8)} | ${heads.join(' | ')}`.trimEnd(),
    ...lines,
    ...shared.map(([name, text]) => `  ${name}: ${text}`),
  ];
}

function changesOf(world: World, before: WorldState, after: WorldState): readonly string[] {
  const changes = positionsOf(after).flatMap((position) =>
    differences(
      rowOf(world.viewAt(before, position)),
      rowOf(world.viewAt(after, position)),
      `${nodeName(position)} `,
    ),
  );
  const shared = differences(
    sharedText(world.sharedAt(before)),
    sharedText(world.sharedAt(after)),
    '',
  );
  return [...changes, ...shared];
}

function differences(before: Row, after: Row, prefix: string): readonly string[] {
  return Object.keys(after)
    .filter((name) => before[name] !== after[name])
    .map((name) => `${prefix}${name}: ${before[name]} → ${after[name]}`);
}
