/**
 * What the security monitoring of a controller hears of a log entry: what happened, to what kind of thing, and under which index of the log,
 * which is the event's identity. No pseudonym, key or free text of a person is in it: whoever has to know more asks for evidence, and that
 * asking is an entry of its own.
 */
import { leafToEnvelope } from '@twinkeep/audit';
import type { ConsentEvent, ConsentEventType } from '@twinkeep/consent';
import type { AccessBody } from '../evidence/take.ts';
import type { RoundConfig, RoundResult, SetCommit, Statement, TaskSpec } from '@twinkeep/protocol';

export type Severity = 'informational' | 'low' | 'medium' | 'high';
export type Activity = 'create' | 'read' | 'update' | 'delete';

export interface SecurityEvent {
  /** Its leaf in the log. */
  index: number;
  /** Milliseconds since 1970, rounded down to the minute, as in the leaf. */
  at: number;
  /** What happened, e.g. `consent.withdraw`. */
  name: string;
  message: string;
  severity: Severity;
  activity: Activity;
  entity: { kind: string; id?: string };
  fields: Readonly<Record<string, string | number>>;
}

/** A leaf with what opens it, as far as that is there. */
export interface OpenedEntry {
  index: number;
  leaf: Uint8Array;
  statement?: Statement<unknown>;
  consent?: ConsentEvent;
  /** An officer's access: what kind of evidence, and how many records it held. */
  access?: Pick<AccessBody, 'kind' | 'rows'>;
}

type Description = Pick<SecurityEvent, 'name' | 'message' | 'severity' | 'activity' | 'entity' | 'fields'>;

export function entryToEvent(entry: OpenedEntry): SecurityEvent {
  const { type, at } = leafToEnvelope(entry.leaf);
  return { index: entry.index, at: Date.parse(at), ...describe(type, entry) };
}

function describe(type: string, { statement, consent, access }: OpenedEntry): Description {
  if (consent !== undefined) return describeConsent(consent);
  if (access !== undefined) return describeAccess(access);
  const body = statement?.body;
  if (body === undefined) return describeOther(type, 'Log entry, not disclosed');
  switch (type) {
    case 'task':
      return describeTask(body as TaskSpec);
    case 'round-config':
      return describeConfig(body as RoundConfig);
    case 'set-commit':
      return describeSet(body as SetCommit);
    case 'round-result':
      return describeResult(body as RoundResult);
    default:
      return describeOther(type, 'Log entry');
  }
}

/** An entry whose body was erased, or of a kind that needs no words of its own. */
function describeOther(type: string, message: string): Description {
  return {
    name: `log.${type}`,
    message,
    severity: 'informational',
    activity: 'create',
    entity: { kind: type },
    fields: {},
  };
}

/** Events that stop a use, and those that say that earlier consent was none. */
const SEVERITIES: Partial<Record<ConsentEventType, Severity>> = {
  withdraw: 'low',
  object: 'low',
  signal: 'low',
  restrict: 'low',
  revoke: 'medium',
  invalidate: 'high',
};

function describeConsent({ event, regime, grants, evidence }: ConsentEvent): Description {
  const listed = (values: string[]): string => [...new Set(values)].join(' ');
  return {
    name: `consent.${event.type}`,
    message: `Consent: ${event.type.replaceAll('_', ' ')}, signed by the ${event.by}`,
    severity: SEVERITIES[event.type] ?? 'informational',
    activity: event.type === 'grant' || event.type === 'notify' ? 'create' : 'update',
    entity: { kind: 'consent' },
    fields: {
      by: event.by,
      method: event.method,
      regime,
      categories: listed(grants.map(({ category }) => category)),
      purposes: listed(grants.map(({ purpose }) => purpose)),
      ...(evidence === undefined ? {} : { evidence: listed(evidence.map(({ kind }) => kind)) }),
    },
  };
}

function describeAccess({ kind, rows }: Pick<AccessBody, 'kind' | 'rows'>): Description {
  return {
    name: `access.${kind}`,
    message: `An officer read personal data: evidence of a ${kind}, ${rows} records`,
    severity: 'medium',
    activity: 'read',
    entity: { kind: 'personal data' },
    fields: { kind, rows },
  };
}

function describeTask({ taskId, purpose, categories }: TaskSpec): Description {
  return {
    name: 'task.published',
    message: 'A task was published: twins may be asked to train for it',
    severity: 'low',
    activity: 'create',
    entity: { kind: 'task', id: taskId },
    fields: {
      task: taskId,
      purpose,
      categories: [...categories.required, ...categories.optional].join(' '),
    },
  };
}

function describeConfig({ taskId, round, kind }: RoundConfig): Description {
  return {
    name: 'round.opened',
    message: 'A round was opened',
    severity: 'informational',
    activity: 'create',
    entity: { kind: 'round', id: `${taskId}/${round}` },
    fields: { task: taskId, round, kind },
  };
}

function describeSet({ rcHash, count, twins, consent, dropped }: SetCommit): Description {
  const withdrawn = dropped.find(({ reason }) => reason === 'consent-withdrawn')?.count ?? 0;
  return {
    name: 'round.set-fixed',
    message:
      withdrawn === 0
        ? 'The set of a round was fixed; every member had consented'
        : `The set of a round was fixed; ${withdrawn} reports were left out for want of consent`,
    severity: withdrawn === 0 ? 'informational' : 'low',
    activity: 'update',
    entity: { kind: 'round', id: rcHash },
    fields: {
      round: rcHash,
      reports: count,
      twins,
      consentSize: consent.size,
      ...Object.fromEntries(dropped.map(({ reason, count: many }) => [`dropped-${reason}`, many])),
    },
  };
}

function describeResult({ taskId, round, status, reason, count, twins, modelOut }: RoundResult): Description {
  const isSealed = status === 'sealed';
  return {
    name: `round.${status}`,
    message: isSealed ? 'A round was sealed' : `A round was abandoned: ${reason ?? 'no reason given'}`,
    severity: isSealed ? 'informational' : 'medium',
    activity: 'update',
    entity: { kind: 'round', id: `${taskId}/${round}` },
    fields: {
      task: taskId,
      round,
      reports: count,
      twins,
      ...(isSealed ? { model: modelOut } : { reason: reason ?? '' }),
    },
  };
}
