/**
 * What a mask helper does with each answer to its long poll. Level-triggered: the answer says the whole duty, so a helper that was
 * killed anywhere begins again from it. One round's trouble does not touch another's.
 */
import { base64UrlToBytes, bytesToBase64Url, TwinkeepError } from '@twinkeep/audit';
import {
  signStatement,
  statementHash,
  type HelperAck,
  type HelperClose,
  type HelperProposal,
  type HelperReady,
  type HelperRound,
  type HelperWork,
  type LoggedStatement,
  type RoundConfig,
  type Statement,
  type TaskSpec,
} from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';
import { checkSet, countReadies, makeReady, revealSums, type AnswerDeps } from './answer.ts';
import { checkProposal, requireLoggedConfig, roundTerms, type HelperRoundTerms } from './check.ts';
import { closeAbandoned } from './close.ts';
import { judgeReport } from './judge.ts';

/** Where a helper's statements go. */
export interface HelperSink {
  cosignature(statement: Statement<RoundConfig>): Promise<void>;
  ack(statement: Statement<HelperAck>): Promise<void>;
  ready(statement: Statement<HelperReady>): Promise<void>;
  sums(rcHash: string, bytes: Uint8Array): Promise<void>;
  close(statement: Statement<HelperClose>): Promise<void>;
}

export interface DutyDeps extends AnswerDeps {
  sink: HelperSink;
  /** The task of a round whose proposal this helper has missed, as the coordinator published it. */
  askTask(taskId: string): Promise<LoggedStatement<TaskSpec>>;
  /** Told of what went wrong in a round; the others go on. */
  onTrouble: (rcHash: string, error: unknown) => void;
}

/** @returns a function that works on one answer, and says whether all was done that can be done now; false: ask again */
export function createDuties(deps: DutyDeps): (work: HelperWork) => Promise<boolean> {
  const { policy, key, store, clock, sink } = deps;
  // Rounds that were checked and taken on, by the hash of their configuration: the same bytes need no second look.
  let known = new Map<string, HelperRoundTerms>();
  let closedFor = '';
  // Abandoned rounds that this helper answered: it never closes them, and says so once.
  const answered = new Set<string>();

  /** One configuration per round, for ever: it is taken on, durably, before it is signed. */
  async function takeOn(proposal: HelperProposal): Promise<HelperRoundTerms> {
    const terms = await checkProposal(proposal, policy, store);
    requireTime(terms);
    if (!(await store.admitRound(terms.rcHash, terms.config, terms.e)))
      throw new RegionError(
        'helper/closed',
        'another configuration of this round was taken on, or it is over',
      );
    return terms;
  }

  async function cosign(proposal: HelperProposal): Promise<void> {
    const { config } = await takeOn(proposal);
    await sink.cosignature(await signStatement('round-config', config, key));
  }

  /** A round at work: taken on when it was proposed, or now, by the same checks. */
  async function enter(rcHash: string, { config }: HelperRound): Promise<HelperRoundTerms> {
    const found = known.get(rcHash);
    const terms = found ?? (await firstLook(rcHash, config));
    requireTime(terms);
    known.set(rcHash, terms);
    return terms;
  }

  async function firstLook(rcHash: string, config: LoggedStatement<RoundConfig>): Promise<HelperRoundTerms> {
    const { statement } = requireLoggedConfig(config, policy);
    if (await store.nameRound(rcHash)) return roundTerms(statement, policy, store);
    const task = await deps.askTask(statement.body.taskId);
    const terms = await takeOn({ config: statement, task });
    await store.nameRound(rcHash);
    return terms;
  }

  function requireTime({ config }: HelperRoundTerms): void {
    if (clock() > config.revealDeadline) throw new RegionError('helper/closed', 'the round is over');
  }

  /** Rounds that the coordinator no longer names, or whose time is over, lose their seeds. */
  async function closeRounds(live: readonly string[]): Promise<void> {
    const now = clock();
    const late = [...known.values()].filter(({ config }) => config.revealDeadline < now).length;
    const state = `${[...live].sort().join()} ${late}`;
    if (state === closedFor) return;
    await store.closeRounds(live, now);
    await store.eraseEpochs(now);
    closedFor = state;
    known = new Map([...known].filter(([rcHash]) => live.includes(rcHash)));
  }

  return async (work) => {
    let done = true;
    const attempt = async (rcHash: string, duty: () => Promise<void>): Promise<void> => {
      try {
        await duty();
      } catch (error) {
        deps.onTrouble(rcHash, error);
        if (error instanceof RegionError && error.code === 'helper/answered') answered.add(rcHash);
        // What a rule of ours refuses stays refused; what a network or a database did may pass.
        if (!isRefusal(error)) done = false;
      }
    };
    const nameOf = (statement: Statement<unknown>): string => bytesToBase64Url(statementHash(statement));
    for (const round of work.rounds) {
      const rcHash = nameOf(round.config.statement);
      await attempt(rcHash, async () => workOnRound(round, await enter(rcHash, round), deps));
    }
    for (const abandoned of work.closing) {
      const rcHash = nameOf(abandoned.config.statement);
      if (answered.has(rcHash)) continue;
      await attempt(rcHash, async () => sink.close(await closeAbandoned(abandoned, deps)));
    }
    for (const proposal of work.proposals)
      await attempt(nameOf(proposal.config), async () => cosign(proposal));
    await closeRounds(work.rounds.map(({ config }) => nameOf(config.statement)));
    return done;
  };
}

async function workOnRound(round: HelperRound, terms: HelperRoundTerms, deps: DutyDeps): Promise<void> {
  if (round.reports.length > 0) await deps.sink.ack(await giveVerdicts(round, terms, deps));
  if (round.set === null) return;
  const set = await checkSet(round.set, terms, deps);
  if (terms.config.mode === 'log') return deps.sink.sums(terms.rcHash, await revealSums(set, terms, deps));
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
