import { RoleMachine } from '../../../mysql-bridge/role/role-machine.ts';
import type {
  LeadershipView,
  RoleEffect,
  RoleInput,
  RoleTask,
  Verdict,
} from '../../../mysql-bridge/role/role-types.ts';

/** A machine with the world it sees: what leads, which task runs, whether the gate is open. */
export class RoleHarness {
  readonly machine: RoleMachine = new RoleMachine();
  readonly effects: RoleEffect[] = [];
  leadership: LeadershipView = {
    isLeader: false,
    term: 0,
    isLeaderReady: false,
    isTailDecided: false,
  };
  openTerm: number | null = null;
  /** Tasks begun and not yet reported as ended, oldest first. */
  readonly running: Map<number, RoleTask> = new Map();
  /** The verdict that is being made durable. */
  condemning: Verdict | null = null;
  /** The mark is in the data folder. */
  isMarked = false;

  give(input: RoleInput): readonly RoleEffect[] {
    if (input.kind === 'leadership') this.leadership = input.view;
    if (input.kind === 'condemned') this.isMarked = true;
    const effects = this.machine.step(input);
    for (const effect of effects) this.#observe(effect);
    this.effects.push(...effects);
    return effects;
  }

  lead(term: number): readonly RoleEffect[] {
    return this.give({
      kind: 'leadership',
      view: { isLeader: true, term, isLeaderReady: true, isTailDecided: true },
    });
  }

  follow(term: number): readonly RoleEffect[] {
    return this.give({
      kind: 'leadership',
      view: { isLeader: false, term, isLeaderReady: false, isTailDecided: true },
    });
  }

  /** Ends the newest task of a kind. */
  finish(kind: RoleTask['kind']): readonly RoleEffect[] {
    return this.give({ kind: 'task-done', taskId: this.#end(kind) });
  }

  fail(kind: RoleTask['kind'], reason = 'it failed'): readonly RoleEffect[] {
    return this.give({ kind: 'task-failed', taskId: this.#end(kind), code: 'TEST', reason });
  }

  /** The mark is on disk. */
  condemned(canRebuild = true): readonly RoleEffect[] {
    return this.give({ kind: 'condemned', ...this.#takeVerdict(), canRebuild });
  }

  condemnFailed(reason = 'the disk is full'): readonly RoleEffect[] {
    this.#takeVerdict();
    return this.give({ kind: 'condemn-failed', reason });
  }

  becomeReplica(): void {
    this.follow(1);
    for (const kind of ['cut-binlog', 'start-server', 'follow'] as const) this.finish(kind);
  }

  becomePrimary(term: number): void {
    this.becomeReplica();
    this.lead(term);
    this.finish('catch-up');
    this.finish('take-over');
  }

  #end(kind: RoleTask['kind']): number {
    const found = [...this.running].reverse().find(([, task]) => task.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} runs`);
    this.running.delete(found[0]);
    return found[0];
  }

  #takeVerdict(): Verdict {
    const verdict = this.condemning;
    if (verdict === null) throw new Error('nothing is being condemned');
    this.condemning = null;
    return verdict;
  }

  #observe(effect: RoleEffect): void {
    if (effect.kind === 'condemn') {
      if (this.condemning !== null) throw new Error('a mark is written while another one is');
      this.condemning = effect.verdict;
    }
    if (effect.kind === 'open-gate') this.openTerm = effect.term;
    if (effect.kind === 'close-gate') this.openTerm = null;
    if (effect.kind === 'set-electable' && effect.isElectable) this.isMarked = false;
    if (effect.kind === 'run-task') this.running.set(effect.taskId, effect.task);
  }
}

/** The effects as short words, state changes left out: what a test compares. */
export function words(effects: readonly RoleEffect[]): string[] {
  return effects
    .filter((effect) => effect.kind !== 'state-changed')
    .map((effect) => (effect.kind === 'run-task' ? effect.task.kind : effect.kind));
}
