/**
 * Consents of customers whom a business knows from its own records. The node signs what the records say, with its device key, as a
 * `collector` with a reference to the evidence, and never as the customer.
 *
 * An import may say no to anything, and yes only to what nobody has answered yet: whatever an old file says, it lifts neither a
 * refusal nor a withdrawal.
 */
import {
  CATEGORIES,
  cellStatusAt,
  createConsentSigner,
  DAY_MILLIS,
  findCell,
  listCells,
  OPERATIONS,
  PERMITTING_STATUSES,
  splitByRegime,
  type Category,
  type CellStatus,
  type ConsentCell,
  type ConsentProvenance,
  type ConsentState,
  type GrantTerms,
  type Operation,
  type Regime,
} from '@twinkeep/consent';
import {
  createChainSigner,
  type Choice,
  type ConsentEntry,
  type SignedConsentEntry,
  type SignerDeps,
} from '@twinkeep/edge-client/fleet';
import { publicKeyToJwk, type RoundOperation, type SigningKey } from '@twinkeep/protocol';
import { noticeOf, useOf, type ConsentTerms } from '../mapping/terms.ts';

export type Evidence = { kind: string; value: string }[];

/** What a file says of one customer. */
export type ConsentChoice = { granted: readonly Category[] } | { refused: true };

/** What customers were asked, and what an import rests on. */
export interface Collection {
  terms: ConsentTerms;
  categories: { required: readonly Category[]; optional: readonly Category[] };
  evidence: Evidence;
}

export interface Collector {
  /** The events, if any, that make the choice known; to be appended to the chain. */
  record(
    subject: string,
    chain: readonly ConsentEntry[],
    choice: ConsentChoice,
    collection: Collection,
  ): Promise<SignedConsentEntry[]>;
  /** The events that take back all that is granted; none where nothing is. */
  withdraw(
    subject: string,
    chain: readonly ConsentEntry[],
    evidence: Evidence,
  ): Promise<SignedConsentEntry[]>;
}

/** What a twin needs in order to learn and to lend, or to be counted; using its predictions takes a consent of its own. */
const IMPORTED_OPERATIONS: Readonly<Record<RoundOperation, readonly Operation[]>> = {
  contribute: ['collect', 'infer_local', 'train_local', 'contribute'],
  synthesise: ['collect', 'synthesise'],
};

const DEFAULT_RETENTION = 'P2Y';
const DEFAULT_DELETION = 'P30D';

export async function createCollector(
  /** `party`: IRI of the party that runs this node. */
  deps: Omit<SignerDeps, 'signer'> & { key: SigningKey; party: string },
): Promise<Collector> {
  const { key, party, clock } = deps;
  const signer = await createConsentSigner(key.privateKey, publicKeyToJwk(key.publicKey));
  const collected = (evidence: Evidence): ConsentProvenance => ({
    by: 'collector',
    collectedBy: { kid: signer.kid, party },
    evidence,
  });
  return {
    async record(subject, stored, choice, { terms, categories, evidence }) {
      const chain = createChainSigner({ ...deps, signer }, subject, stored);
      const { purpose, operation = 'contribute' } = terms;
      const { yes, no } = changes(chain.state(), choice, { categories, purpose, operation }, clock());
      const question = {
        jurisdiction: terms.jurisdiction ?? ['EU'],
        sector: useOf(terms).sector,
        notice: noticeOf(terms),
        purpose,
        operations: IMPORTED_OPERATIONS[operation],
        method: 'import',
      };
      const among = (some: readonly Category[]): Collection['categories'] => ({
        required: categories.required.filter((category) => some.includes(category)),
        optional: categories.optional.filter((category) => some.includes(category)),
      });
      for (const part of splitByRegime(question.jurisdiction, among(yes), question.sector)) {
        const told = part.regime.noticeFirst.filter((category) => namesCategory(part.categories, category));
        if (told.length > 0)
          await chain.add(
            { ...question, type: 'notify', categories: { required: [], optional: told } },
            collected(evidence),
          );
        const grant = grantTerms(terms, part.regime, deps.party, clock());
        await chain.add(
          { ...question, type: 'grant', categories: part.categories, terms: grant },
          collected(evidence),
        );
      }
      if (no.length > 0)
        await chain.add({ ...question, type: 'refuse', categories: among(no) }, collected(evidence));
      return chain.added();
    },

    async withdraw(subject, stored, evidence) {
      const chain = createChainSigner({ ...deps, signer }, subject, stored);
      const given = listCells(chain.state()).filter(({ cell }) => isOpen(cell));
      for (const purpose of new Set(given.map((named) => named.purpose))) {
        const cells = given.filter((named) => named.purpose === purpose);
        const asked = chain
          .events()
          .findLast(({ grants }) => grants.some((grant) => grant.purpose === purpose))!;
        const withdrawal: Choice = {
          type: 'withdraw',
          jurisdiction: asked.jurisdiction,
          notice: asked.notice,
          purpose,
          categories: {
            required: CATEGORIES.filter((category) => cells.some((named) => named.category === category)),
            optional: [],
          },
          operations: OPERATIONS.filter((operation) => cells.some((named) => named.operation === operation)),
          method: 'record',
        };
        await chain.add(withdrawal, collected(evidence));
      }
      return chain.added();
    },
  };
}

function namesCategory({ required, optional }: Collection['categories'], category: Category): boolean {
  return required.includes(category) || optional.includes(category);
}

/** As explicit as the regime demands: whoever maps such a category states that the records say so. */
function grantTerms(terms: ConsentTerms, regime: Regime, party: string, now: number): GrantTerms {
  const { usual, longest } = regime.validityDays;
  return {
    consentType: regime.consentTypes[0]!,
    storage: {
      location: party,
      retention: terms.retention ?? DEFAULT_RETENTION,
      deletion: terms.deletion ?? DEFAULT_DELETION,
    },
    validUntil: now + Math.min(terms.validDays ?? usual, longest) * DAY_MILLIS,
  };
}

/** Categories that nobody has answered and the file grants; categories that the file no longer grants, or says no to. */
function changes(
  state: ConsentState,
  choice: ConsentChoice,
  {
    categories,
    purpose,
    operation,
  }: { categories: Collection['categories']; purpose: string; operation: RoundOperation },
  now: number,
): { yes: Category[]; no: Category[] } {
  const granted = 'granted' in choice ? choice.granted : [];
  const yes: Category[] = [];
  const no: Category[] = [];
  for (const category of [...categories.required, ...categories.optional]) {
    const cell = findCell(state, category, purpose, operation);
    const unanswered = UNANSWERED.has(cellStatusAt(cell, now));
    if (granted.includes(category)) {
      if (unanswered) yes.push(category);
    } else if ((cell !== undefined && isOpen(cell)) || (unanswered && 'refused' in choice)) no.push(category);
  }
  return { yes, no };
}

const UNANSWERED: ReadonlySet<CellStatus> = new Set<CellStatus>([
  'unknown',
  'requested',
  'deferred',
  'expired',
  'stale_notice',
]);

/** Somebody may use it, or could soon. */
function isOpen({ status }: ConsentCell): boolean {
  return PERMITTING_STATUSES.has(status) || status === 'noticed';
}
