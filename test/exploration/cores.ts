import type {
  LeadershipView,
  RoleEffect,
  RoleInput,
  RoleState,
} from '../../mysql-bridge/role/role-types.ts';
import type { AckEffect, AckGateInput } from '../../mysql-bridge/semisync/ack-gate.ts';
import { Automaton } from './automaton.ts';
import { type Fields, loadCore, type SourceEdit } from './core-loader.ts';

export const roleMachineFile = 'mysql-bridge/role/role-machine.ts';
export const ackGateFile = 'mysql-bridge/semisync/ack-gate.ts';

export type RoleAutomaton = Automaton<RoleInput, RoleEffect>;
export type AckGateAutomaton = Automaton<AckGateInput, AckEffect>;

/** Task ids are compared for equality alone, so the one that runs and the one that ends can always have the same two. */
export const runningTaskId = 2;
export const endingTaskId = 1;

/** The part of the role machine's private state that the model around it must know. */
export interface RoleFields {
  readonly state: RoleState;
  readonly leadership: LeadershipView;
  readonly errant: object | null;
  readonly lastWritableTerm: number;
}

export function roleFieldsOf(role: RoleAutomaton, id: number): RoleFields {
  // The gateway from private fields, which `createRoleAutomaton` names, to what they are known to be.
  return role.fields(id) as unknown as RoleFields;
}

export function createRoleAutomaton(edits: readonly SourceEdit[] = []): RoleAutomaton {
  const core = loadCore<{ step(input: RoleInput): readonly RoleEffect[] }>({
    file: roleMachineFile,
    className: 'RoleMachine',
    edits,
  });
  needFields(core.fieldNames, ['state', 'leadership', 'errant', 'running', 'ending', 'taskId']);
  needFields(core.fieldNames, ['lastWritableTerm', 'failures', 'ticksHealthy', 'effects']);
  return new Automaton({ core, normalise: normaliseRole });
}

/**
 * Task ids are renamed. Of the failures counted only "some" remains: more make a pause longer, and a pause has no length here.
 * Healthy ticks are never told, so their count stays 0. Effects of the step before are no state.
 */
function normaliseRole(fields: Fields): Fields {
  return {
    ...fields,
    taskId: runningTaskId,
    running: fields['running'] === null ? null : runningTaskId,
    ending: fields['ending'] === null ? null : endingTaskId,
    failures: Math.min(Number(fields['failures']), 1),
    ticksHealthy: 0,
    effects: [],
  };
}

export function createAckGateAutomaton(edits: readonly SourceEdit[] = []): AckGateAutomaton {
  const core = loadCore<{ step(input: AckGateInput): readonly AckEffect[] }>({
    file: ackGateFile,
    className: 'AckGate',
    edits,
  });
  needFields(core.fieldNames, ['pending', 'head', 'isOpen', 'term']);
  return new Automaton({ core, createWith: { term: 0 }, normalise: normaliseAckGate });
}

/** Acked places that were not given up yet are waste, not state. */
function normaliseAckGate(fields: Fields): Fields {
  const pending = pendingOf(fields);
  return { ...fields, pending: pending.slice(Number(fields['head'])), head: 0 };
}

export function pendingCount(gates: AckGateAutomaton, id: number): number {
  return pendingOf(gates.fields(id)).length;
}

function pendingOf(fields: Fields): readonly unknown[] {
  const pending = fields['pending'];
  if (!Array.isArray(pending)) throw new TypeError('an ack gate keeps what waits in a list');
  return pending;
}

function needFields(known: readonly string[], needed: readonly string[]): void {
  const missing = needed.filter((name) => !known.includes(name));
  if (missing.length > 0) {
    throw new Error(`the model reads private fields that are gone: ${missing.join(', ')}`);
  }
}
