/**
 * What a mask helper does with each answer to its long poll. Level-triggered: the answer says the whole duty, so a helper that was
 * killed anywhere begins again from it. One round's trouble does not touch another's.
 */
import { base64UrlToBytes, bytesToBase64Url, TwinkeepError } from '@twinkeep/audit';
import {
  signStatement,
  statementHash,
  type HelperAck,
  type HelperReady,
  type HelperRound,
  type HelperWork,
  type Statement,
} from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';
import { checkSet, isAgreed, makeReady, revealSums, type AnswerDeps } from './answer.ts';
import { checkRoundConfig, type HelperRoundTerms } from './check.ts';
import { judgeReport } from './judge.ts';

/** Where a helper's statements go. */
export interface HelperSink {
  ack(statement: Statement<HelperAck>): Promise<void>;
  ready(statement: Statement<HelperReady>): Promise<void>;
  sums(rcHash: string, bytes: Uint8Array): Promise<void>;
}

export interface DutyDeps extends AnswerDeps {
  sink: HelperSink;
  /** Told of what went wrong in a round; the others go on. */
  onTrouble: (rcHash: string, error: unknown) => void;
}

/** @returns whether all was done that can be done now; false: ask for the same work again */
export async function performDuties(work: HelperWork, deps: DutyDeps): Promise<boolean> {
  let done = true;
  const live: string[] = [];
  for (const round of work.rounds) {
    const rcHash = bytesToBase64Url(statementHash(round.config.statement));
    live.push(rcHash);
    try {
      await workOnRound(round, await checkRoundConfig(round.config, deps.policy, deps.store), deps);
    } catch (error) {
      deps.onTrouble(rcHash, error);
      // What a rule of ours refuses stays refused; what a network or a database did may pass.
      if (!isRefusal(error)) done = false;
    }
  }
  const now = deps.clock();
  await deps.store.closeRounds(live, now);
  await deps.store.eraseEpochs(now);
  return done;
}

async function workOnRound(round: HelperRound, terms: HelperRoundTerms, deps: DutyDeps): Promise<void> {
  const { config, rcHash, e } = terms;
  if (round.phase === 'sealed' || round.phase === 'abandoned' || deps.clock() > config.revealDeadline) return;
  if (!(await deps.store.admitRound(rcHash, config, e)))
    throw new RegionError(
      'helper/closed',
      'another configuration of this round was taken on before, or it is over',
    );
  if (round.reports.length > 0) await deps.sink.ack(await giveVerdicts(round, terms, deps));
  if (round.set === null) return;
  const set = await checkSet(round, terms, deps);
  const ready = await makeReady(set, terms, deps);
  if (!isAgreed(round.readies, set, terms, deps)) return deps.sink.ready(ready);
  await deps.sink.sums(rcHash, await revealSums(set, terms, deps));
}

/** Verdicts and seeds are durable before the statement is made; a report that has a verdict gets the same one again. */
async function giveVerdicts(
  { reports }: HelperRound,
  terms: HelperRoundTerms,
  { policy, key, store, clock }: DutyDeps,
): Promise<Statement<HelperAck>> {
  const now = new Date(clock());
  const judged = await Promise.all(
    reports.map(({ header, signature, box }) =>
      judgeReport(
        {
          headerBytes: base64UrlToBytes(header),
          signature: base64UrlToBytes(signature),
          box: base64UrlToBytes(box),
        },
        terms,
        { j: policy.j, trust: policy.trust, now },
      ),
    ),
  );
  await store.addVerdicts(terms.rcHash, judged);
  const hashes = [...new Set(judged.map(({ headerHash }) => headerHash))].sort();
  const verdicts = await store.verdicts(terms.rcHash, hashes);
  const body: HelperAck = { v: 1, rcHash: terms.rcHash, j: policy.j, accepted: [], refused: [] };
  for (const header of hashes) {
    const code = verdicts.get(header)?.code;
    if (code === null) body.accepted.push(header);
    else body.refused.push({ header, code: code ?? 'report/malformed' });
  }
  return signStatement('helper-ack', body, key);
}

function isRefusal(error: unknown): boolean {
  return error instanceof TwinkeepError && !PASSING.some((prefix) => error.code.startsWith(prefix));
}

const PASSING = ['transport/', 'request/busy'];
