/**
 * Events that the coordinator signs itself, as the controller: for a session, the help desk, an officer, or a browser's opt-out signal. Each is
 * made under the log's lock and names all that stands before it, so that there is nothing in the subject's chain that it has not seen. What it
 * does not say for itself (notice, jurisdiction, regime) is that of the newest event about the subject. The words are the coordinator's
 * own and never a subject's: the schema says `controller`, and the key is the coordinator's.
 */
import {
  ANY_PURPOSE,
  CATEGORIES,
  CATEGORY_IRIS,
  CONSENT_EVENT_SCHEMA,
  createConsentSigner,
  createRecordId,
  findRegime,
  isCellEvent,
  linkToHeads,
  millisToInstant,
  minorState,
  OPERATIONS,
  parseConsentEvent,
  signConsentEvent,
  type CellEventType,
  type ConsentEvent,
  type ConsentGrant,
  type JwsSigner,
  type Operation,
  type Regime,
  type SignedConsent,
} from '@twinkeep/consent';
import {
  ProblemError,
  publicKeyToJwk,
  type OfficerRequest,
  type Random,
  type SigningKey,
} from '@twinkeep/protocol';
import { readNewestEvent } from '../store/consents.ts';
import type { Tx } from '../store/schema.ts';
import type { Vault } from '../store/vault.ts';
import type { EventToMake } from './admit.ts';
import { bodyToEvent } from './ledger.ts';

/** What the controller has to say, and who stands for it. */
export interface ControllerWord extends Omit<OfficerRequest, 'actor'> {
  method: string;
  /** Pseudonym of the officer's credential. */
  actor?: string;
  /** Of the second officer's. */
  approver?: string;
}

export interface ControllerVoice {
  /** For `logConsents`, within the same transaction. */
  say(tx: Tx, subject: string, word: ControllerWord): EventToMake;
  /** Officers that this takes about this subject. @throws ProblemError 'consent/unknown-subject' */
  officersFor(tx: Tx, subject: string, type: ConsentEvent['event']['type']): Promise<0 | 1 | 2>;
}

interface VoiceDeps {
  key: SigningKey;
  vault: Vault;
  random: Random;
}

export async function createControllerVoice({ key, vault, random }: VoiceDeps): Promise<ControllerVoice> {
  const signer: JwsSigner = await createConsentSigner(key.privateKey, publicKeyToJwk(key.publicKey));
  const newest = async (tx: Tx, subject: string): Promise<ConsentEvent> => {
    const stored = await readNewestEvent(tx, vault, subject);
    if (stored === null) throw new ProblemError('consent/unknown-subject');
    return bodyToEvent(stored.body);
  };
  return {
    officersFor: async (tx, subject, type) => {
      const { regime } = await newest(tx, subject);
      return isCellEvent(type) ? findRegime(regime).transitions[type].officers : 1;
    },
    say: (tx, subject, word) => ({
      subject,
      jkt: signer.kid,
      make: async ({ state }, seq, at): Promise<SignedConsent> => {
        const before = await newest(tx, subject);
        const { jurisdiction = before.jurisdiction, notice = before.notice, ...members } = word.members ?? {};
        const { method, actor, approver, reason } = word;
        const { controller, regime } = before;
        const event = {
          schema: CONSENT_EVENT_SCHEMA,
          recordId: createRecordId(at, random(10)),
          subject,
          controller,
          seq,
          ...linkToHeads(state),
          jurisdiction,
          regime,
          notice,
          grants: isCellEvent(word.type) ? linesOf(word, word.type, findRegime(regime), jurisdiction) : [],
          event: {
            type: word.type,
            at: millisToInstant(at),
            method,
            by: 'controller',
            ...(actor === undefined ? {} : { actor }),
            ...(approver === undefined ? {} : { approver }),
            ...(reason === undefined ? {} : { reason }),
          },
          evidence: word.evidence,
          ...members,
        };
        return signConsentEvent(parseConsentEvent(event), signer);
      },
    }),
  };
}

/** What an opt-out signal speaks of by itself. */
const OUTWARD: readonly Operation[] = ['share', 'sell', 'activate_third_party'];

/** Where no cells are named, all of them: nobody who says "stop" has to list what. */
function everyCell({ members }: ControllerWord): NonNullable<OfficerRequest['cells']> {
  const operations = members?.signal?.profiling === false ? OUTWARD : OPERATIONS;
  return [{ categories: [...CATEGORIES], purpose: ANY_PURPOSE, operations: [...operations] }];
}

function linesOf(
  word: ControllerWord,
  type: CellEventType,
  regime: Regime,
  jurisdiction: string[],
): ConsentGrant[] {
  const { cells = everyCell(word), members } = word;
  const state =
    members?.minor === undefined
      ? regime.transitions[type].to[0]!
      : minorState(regime, jurisdiction, members.minor.age);
  return cells.flatMap(({ categories, purpose, operations }) =>
    categories.map((category) => ({
      category,
      pdIri: [...CATEGORY_IRIS[category]],
      purpose,
      operations,
      legalBasis: regime.legalBases[0]!,
      state,
      necessity: 'optional',
    })),
  );
}
