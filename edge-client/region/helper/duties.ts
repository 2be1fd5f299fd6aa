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
import { checkSet, countReadies, makeReady, revealSums, type AnswerDeps } from './answer.ts';
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

/** @returns a function that works on one answer, and says whether all was done that can be done now; false: ask again */
export function createDuties(deps: DutyDeps): (work: HelperWork) => Promise<boolean> {
  // Rounds that were checked and taken on, by the hash of their configuration: the same bytes need no second look.
  let known = new Map<string, HelperRoundTerms>();
  let closedFor = '';

  async function takeOn(rcHash: string, round: HelperRound): Promise<HelperRoundTerms> {
    const terms = known.get(rcHash) ?? (await checkRoundConfig(round.config, deps.policy, deps.store));
    if (deps.clock() > terms.config.revealDeadline)
      throw new RegionError('helper/closed', 'the round is over');
    if (!known.has(rcHash) && !(await deps.store.admitRound(rcHash, terms.config, terms.e)))
      throw new RegionError(
        'helper/closed',
        'another configuration of this round was taken on, or it is over',
      );
    known.set(rcHash, terms);
    return terms;
  }

  /** Rounds that the coordinator no longer names, or whose time is over, lose their seeds. */
  async function closeRounds(live: readonly string[]): Promise<void> {
    const now = deps.clock();
    const late = [...known.values()].filter(({ config }) => config.revealDeadline < now).length;
    const state = `${[...live].sort().join()} ${late}`;
    if (state === closedFor) return;
    await deps.store.closeRounds(live, now);
    await deps.store.eraseEpochs(now);
    closedFor = state;
    known = new Map([...known].filter(([rcHash]) => live.includes(rcHash)));
  }

  return async (work) => {
    let done = true;
    const live: string[] = [];
    for (const round of work.rounds) {
      const rcHash = bytesToBase64Url(statementHash(round.config.statement));
      live.push(rcHash);
      try {
        await workOnRound(round, await takeOn(rcHash, round), deps);
      } catch (error) {
        deps.onTrouble(rcHash, error);
        // What a rule of ours refuses stays refused; what a network or a database did may pass.
        if (!isRefusal(error)) done = false;
      }
    }
    await closeRounds(live);
    return done;
  };
}

async function workOnRound(round: HelperRound, terms: HelperRoundTerms, deps: DutyDeps): Promise<void> {
  if (round.reports.length > 0) await deps.sink.ack(await giveVerdicts(round, terms, deps));
  if (round.set === null) return;
  const set = await checkSet(round.set, terms, deps);
  const ready = await makeReady(set, terms, deps);
  const { said, agreed } = countReadies(round.readies, set, terms, deps);
  if (!said) await deps.sink.ready(ready);
  if (agreed) await deps.sink.sums(terms.rcHash, await revealSums(set, terms, deps));
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
