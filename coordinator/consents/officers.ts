/**
 * What officers of the controller say about a data subject: withdrawals by session or help desk, restrictions, objections, guardians, and
 * whatever else a controller may sign. None of it needs the subject's device, and none of it can say yes: no regime lets a controller grant.
 *
 * What takes two officers (the regime says what) is kept as a proposal until another officer agrees: another credential and another key. The event
 * names both. Who is trusted: whoever issues credentials of scope `officer`. A lone officer can narrow, ask, lift a restriction, and name a guardian, whose yes
 * counts from then on: that event says for good which officer it was, and on what evidence.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  ProblemError,
  type ConsentProposal,
  type ConsentReceipt,
  type Credential,
  type OfficerRequest,
  type Random,
} from '@twinkeep/protocol';
import type { Tx } from '../store/schema.ts';
import {
  deleteLapsedProposals,
  deleteProposal,
  insertProposal,
  lockProposal,
  readProposals,
} from '../store/proposals.ts';
import { logConsents, type ProvableReceipt } from './append.ts';
import type { ControllerVoice } from './controller.ts';
import { toWire, type ConsentIntakeDeps } from './intake.ts';

export interface Officers {
  /** @throws ProblemError 'consent/unknown-subject', 'consent/erased', 'consent/invalid' */
  say(
    officer: Credential,
    subject: string,
    request: OfficerRequest,
  ): Promise<{ receipt: ConsentReceipt } | { proposal: ConsentProposal }>;
  proposals(): Promise<ConsentProposal[]>;
  /** @throws ProblemError 'consent/unknown-proposal', or 'consent/officers' for the one who proposed it */
  approve(officer: Credential, id: string): Promise<ConsentReceipt>;
  decline(id: string): Promise<void>;
}

export interface OfficerDeps extends ConsentIntakeDeps {
  voice: ControllerVoice;
  random: Random;
}

const LAPSE_MILLIS = 7 * 24 * 60 * 60 * 1000;
const ID_BYTES = 16;

export function createOfficers(deps: OfficerDeps): Officers {
  const { db, runTx, vault, voice, clock, random, journal } = deps;

  const log = async (
    tx: Tx,
    subject: string,
    request: OfficerRequest,
    officers: { actor: string; approver?: string },
  ): Promise<ProvableReceipt> => {
    const { actor, ...word } = request;
    const evidence = [
      ...request.evidence,
      ...(actor === undefined ? [] : [{ kind: 'acted-for', value: actor }]),
    ];
    const made = voice.say(tx, subject, { ...word, evidence, method: 'officer', ...officers });
    const [settled] = await logConsents(tx, deps, [made], clock());
    if (settled === undefined) throw new RangeError('a submission has an outcome');
    if (!settled.ok) throw settled.error;
    return settled.value[0] as ProvableReceipt;
  };

  return {
    say: async ({ sub, jkt }, subject, request) => {
      const said = await runTx('officer', async (tx) => {
        // Before anything is read: what is proposed and what is logged see the same chain.
        await journal.lock(tx);
        if ((await vault.erased(tx, [subject])).size > 0) throw new ProblemError('consent/erased');
        if ((await voice.officersFor(tx, subject, request.type)) < 2)
          return { logged: await log(tx, subject, request, { actor: sub }) };
        const now = clock();
        await deleteLapsedProposals(tx, now - LAPSE_MILLIS);
        const id = bytesToBase64Url(random(ID_BYTES));
        const proposal = { id, subject, request, proposedBy: sub, proposedAt: now };
        await insertProposal(tx, vault, { ...proposal, jkt });
        return { proposal };
      });
      return 'logged' in said ? { receipt: await toWire(said.logged) } : said;
    },
    proposals: async () => {
      const stored = await readProposals(db, vault, clock() - LAPSE_MILLIS);
      return stored.map(({ jkt: _, ...proposal }) => proposal);
    },
    approve: async ({ sub, jkt }, id) => {
      const logged = await runTx('officer', async (tx) => {
        await journal.lock(tx);
        const proposal = await lockProposal(tx, vault, id, clock() - LAPSE_MILLIS);
        if (proposal === null) throw new ProblemError('consent/unknown-proposal');
        const { subject, request, proposedBy } = proposal;
        if (sub === proposedBy || jkt === proposal.jkt) throw new ProblemError('consent/officers');
        await deleteProposal(tx, id);
        return log(tx, subject, request, { actor: proposedBy, approver: sub });
      });
      return toWire(logged);
    },
    decline: async (id) => {
      if (!(await runTx('officer', (tx) => deleteProposal(tx, id))))
        throw new ProblemError('consent/unknown-proposal');
    },
  };
}
