/**
 * What helpers say in a round: verdicts on reports, readies, sums of masks. Each is signed by the helper's pinned key, idempotent, and
 * refused where it contradicts what the same helper said before.
 */
import { canonicalJson } from '@twinkeep/audit';
import {
  decodeSums,
  helperAckSchema,
  helperFamily,
  helperReadySchema,
  ProblemError,
  reportWords,
  setsOfHelper,
  type HelperAck,
} from '@twinkeep/protocol';
import { nativeSha256 } from '../log/journal.ts';
import { insertReady, insertSums, insertVerdicts, readVerdicts } from '../store/helper-answers.ts';
import type { RoundDeps } from './deps.ts';
import { drive } from './drive.ts';
import { helperKey, requireOwn, verifyHelper, withRound, type HelperMessage } from './helper-message.ts';
import type { RunningRound } from './running.ts';

/** @throws ProblemError 'helper/statement', 'helper/conflict', 'round/closed' */
export async function takeVerdicts(deps: RoundDeps, message: HelperMessage): Promise<void> {
  const { body: ack } = verifyHelper(message, 'helper-ack', helperAckSchema);
  const verdicts = ackToVerdicts(ack);
  await withRound(deps, 'verdicts', message, async (tx, running) => {
    const { rcHash, j } = message;
    const before = await readVerdicts(
      tx,
      rcHash,
      j,
      verdicts.map(({ headerHash }) => headerHash),
    );
    const fresh = verdicts.filter(({ headerHash, refusal }) => {
      const known = before.get(headerHash);
      if (known?.judged !== true) return true;
      if (known.refusal !== refusal)
        throw new ProblemError('helper/conflict', 'another verdict on the same report');
      return false;
    });
    // After the end of a round its verdicts are gone; whatever comes then comes too late.
    if (running.round.resultHash !== null) throw new ProblemError('round/closed');
    if (fresh.some(({ headerHash }) => !before.has(headerHash)))
      throw new ProblemError('helper/statement', 'a verdict on a report that is not in the round');
    if (fresh.length > 0) await insertVerdicts(tx, rcHash, j, fresh);
    await drive(tx, deps, running, { kind: 'verdicts', j, count: fresh.length });
  });
}

/** @throws ProblemError 'helper/statement', 'round/closed' */
export async function takeReady(deps: RoundDeps, message: HelperMessage): Promise<void> {
  const statement = verifyHelper(message, 'helper-ready', helperReadySchema);
  if (message.config.mode === 'log')
    throw new ProblemError('helper/statement', 'log mode asks for no readies');
  await withRound(deps, 'ready', message, async (tx, running) => {
    requireSet(running, statement.body.scHash);
    const { rcHash, j } = message;
    if (running.round.state.readies.includes(j)) return;
    if (running.round.resultHash !== null) throw new ProblemError('round/closed');
    await insertReady(tx, rcHash, j, canonicalJson(statement));
    await drive(tx, deps, running, { kind: 'ready', j });
  });
}

/** The last missing sum opens the round within this call. @throws ProblemError 'helper/sum', 'helper/conflict', 'round/closed' */
export async function takeSums(
  deps: RoundDeps,
  message: HelperMessage & { body: Uint8Array },
): Promise<void> {
  const { rcHash, config, j } = message;
  const sets = setsOfHelper(helperFamily(config.helpers.length, config.c), j);
  const expected = { kid: helperKey(message), sets, words: reportWords(config), bits: config.b };
  const { statement, sums } = decodeSums(message.body, expected, nativeSha256);
  requireOwn(message, statement.body);
  await withRound(deps, 'sums', message, async (tx, running) => {
    requireSet(running, statement.body.scHash);
    const hashes = statement.body.sums;
    if (!running.round.state.responding.includes(j))
      throw new ProblemError('round/closed', 'the set was fixed without it');
    if (running.round.resultHash === null && !running.round.state.sums.some((given) => given.j === j)) {
      await insertSums(
        tx,
        rcHash,
        hashes.map(({ set, hash }) => ({ set, hash, words: sums.get(set) as Uint8Array })),
      );
    }
    await drive(tx, deps, running, { kind: 'sums', j, hashes });
  });
}

function requireSet({ round }: RunningRound, scHash: string): void {
  if (round.scHash === null) throw new ProblemError('round/closed', 'its set is not fixed');
  if (round.scHash !== scHash) throw new ProblemError('helper/statement', 'it is for another set');
}

function ackToVerdicts({ accepted, refused }: HelperAck): { headerHash: string; refusal: string | null }[] {
  const verdicts = [
    ...accepted.map((headerHash) => ({ headerHash, refusal: null })),
    ...refused.map(({ header, code }) => ({ headerHash: header, refusal: code })),
  ];
  if (new Set(verdicts.map(({ headerHash }) => headerHash)).size !== verdicts.length)
    throw new ProblemError('helper/statement', 'two verdicts on one report');
  return verdicts;
}
