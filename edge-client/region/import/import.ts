/**
 * Customers from a file into twins. One import is one transaction: what cannot be read to its end leaves nothing behind. Twins
 * are found again by the customer's number, events by their id, and consents by what they say, so that importing a file
 * twice changes nothing.
 *
 * Consent comes first: an event is kept only where its customer consented to its category being collected.
 */
import {
  admit,
  isAdmitted,
  readConsentChain,
  type AdmitPolicy,
  type AdmittedEvent,
  type ConsentEntry,
  type RefusalReason,
} from '@twinkeep/edge-client/fleet';
import type { Collection, Collector } from '../consent/collector.ts';
import { RegionError } from '../errors.ts';
import type { ImportSession, RegionStore } from '../store/open.ts';
import type { ImportedCustomer } from './customers.ts';

export interface ImportDeps {
  store: RegionStore;
  collector: Collector;
  policy: AdmitPolicy;
  /** Milliseconds since 1970. */
  clock: () => number;
}

export interface ImportSummary {
  customers: number;
  /** Of these, the ones that this node did not know. */
  added: number;
  /** Consent events that were signed. */
  consents: number;
  /** Events that were not known yet, and those that the gate refused, by reason. */
  events: number;
  refused: Record<RefusalReason, number>;
}

const BATCH = 500;

export function importCustomers(
  deps: ImportDeps,
  customers: AsyncIterable<ImportedCustomer>,
  collection: Collection | null,
): Promise<ImportSummary> {
  return deps.store.transaction(async (session) => {
    const summary: ImportSummary = {
      customers: 0,
      added: 0,
      consents: 0,
      events: 0,
      refused: { 'not-consented': 0, 'past-retention': 0, 'in-the-future': 0 },
    };
    for await (const batch of batches(customers))
      await importBatch(deps, session, batch, collection, summary);
    return summary;
  });
}

interface Known extends ImportedCustomer {
  subject: string;
  chain: ConsentEntry[];
}

async function importBatch(
  deps: ImportDeps,
  session: ImportSession,
  batch: readonly ImportedCustomer[],
  collection: Collection | null,
  summary: ImportSummary,
): Promise<void> {
  const known = await openTwins(deps, session, batch, summary);
  const signed = await signChoices(deps, known, collection);
  await session.appendConsents(
    signed.map(({ subject, chain, consents }) => ({ subject, after: chain.length, consents })),
  );
  summary.consents += signed.reduce((sum, { consents }) => sum + consents.length, 0);
  const admitted = signed.map(({ subject, chain, consents, events }) => {
    const full = [...chain, ...consents.map((consent) => ({ ...consent, receipt: null }))];
    return { subject, events: admitAll(deps, subject, full, events, summary) };
  });
  summary.events += await session.recordEvents(admitted);
  const plans = known.flatMap(({ subject, withdrawsAt }) =>
    withdrawsAt === null ? [] : [{ subject, share: withdrawsAt }],
  );
  if (plans.length > 0) await session.planWithdrawals(plans);
}

/** The batch with the twins' chains; unknown customers get a twin. */
async function openTwins(
  { store }: ImportDeps,
  session: ImportSession,
  batch: readonly ImportedCustomer[],
  summary: ImportSummary,
): Promise<Known[]> {
  const named = batch.map((each) => ({ ...each, subject: store.subjectOf(each.customer) }));
  const chains = await session.lockChains(named.map(({ subject }) => subject));
  const fresh = named.filter(({ subject }) => !chains.has(subject));
  await session.addTwins(
    fresh.map(({ subject, customer }) => ({ subject, bindings: [customerBinding(customer)] })),
  );
  summary.customers += named.length;
  summary.added += fresh.length;
  return named.map((each) => ({ ...each, chain: chains.get(each.subject) ?? [] }));
}

function signChoices(
  { collector }: ImportDeps,
  known: readonly Known[],
  collection: Collection | null,
): Promise<(Known & { consents: { id: string; jws: string }[] })[]> {
  return Promise.all(
    known.map(async (each) => {
      const { subject, chain, choice } = each;
      if (choice === null) return { ...each, consents: [] };
      if (collection === null)
        throw new RegionError(
          'mapping/invalid',
          'the file says who consented, and nothing says to what: give --consent FILE (see docs/import.md)',
        );
      return { ...each, consents: await collector.record(subject, chain, choice, collection) };
    }),
  );
}

function admitAll(
  { policy, clock }: ImportDeps,
  subject: string,
  chain: readonly ConsentEntry[],
  events: ImportedCustomer['events'],
  summary: ImportSummary,
): AdmittedEvent[] {
  const consent = readConsentChain(chain).signed;
  const admitted: AdmittedEvent[] = [];
  for (const event of events) {
    const outcome = admit(event, subject, consent, policy, clock());
    if (isAdmitted(outcome)) admitted.push(outcome);
    else summary.refused[outcome.refused]++;
  }
  return admitted;
}

/** How a customer number leads to its twin, see `findTwin`. */
export function customerBinding(customer: string): string {
  return `customer:${customer}`;
}

/** Runs of customers without repetition: within a batch each twin is written once. */
async function* batches(customers: AsyncIterable<ImportedCustomer>): AsyncGenerator<ImportedCustomer[]> {
  let batch = new Map<string, ImportedCustomer>();
  for await (const customer of customers) {
    if (batch.size === BATCH || batch.has(customer.customer)) {
      yield [...batch.values()];
      batch = new Map();
    }
    batch.set(customer.customer, customer);
  }
  if (batch.size > 0) yield [...batch.values()];
}
