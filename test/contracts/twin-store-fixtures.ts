/** What the contract of twin stores is tried with: subjects, reports, and events that went through the gate. */
import {
  NO_CONSENT,
  applyConsent,
  type Category,
  type ConsentEvent,
  type ConsentState,
} from '@twinkeep/consent';
import {
  admit,
  isAdmitted,
  parseEvent,
  type AdmittedEvent,
  type FeatureBytes,
  type NewReport,
  type TwinStore,
} from '@twinkeep/edge-client/fleet';
import type { CustomerEvent } from '@twinkeep/protocol';

export const ALICE = 'AAAAAAAAAAAAAAAAAAAAAA';
export const BOB = 'BAAAAAAAAAAAAAAAAAAAAA';
export const CAROL = 'CAAAAAAAAAAAAAAAAAAAAA';
export const PURPOSE = 'https://w3id.org/dpv#ServiceOptimisation';
export const NOW: number = Date.parse('2026-03-01T12:00:00Z');
export const DAY = 86_400_000;

export function report(overrides: Partial<NewReport> & { round: number }): NewReport {
  return {
    taskId: 'task',
    kind: 'train',
    rcHash: `rc-${overrides.round}`,
    modelHash: 'model-0',
    headerHash: `header-${overrides.round}`,
    bytes: bytes(1, 2, 255),
    ...overrides,
  };
}

/** An event that went through the gate, as every event must. */
export function admitted(
  subject: string,
  id: string,
  data: CustomerEvent['data'] = {},
  category: Category = 'behavioral',
  time: number = NOW - DAY,
): AdmittedEvent {
  const event = { id, source: 'test', type: 'page.view', time: new Date(time).toISOString(), category, data };
  const policy = {
    uses: [{ purpose: PURPOSE, sector: 'general' as const }],
    retentionDays: {
      behavioral: 30,
      transactional: 30,
      interaction: 30,
      contextual: 30,
      third_party_enrichment: 30,
      feedback: 30,
      psychographic: 30,
    },
  };
  const outcome = admit(parseEvent(event), subject, consentOf(subject), policy, NOW);
  if (!isAdmitted(outcome)) throw new Error(`the gate refused: ${outcome.refused}`);
  return outcome;
}

export function consentOf(subject: string): ConsentState {
  const event: ConsentEvent = {
    schema: 'urn:twinkeep:consent-event:1',
    recordId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    subject,
    controller: 'https://bank.example',
    seq: 1,
    prev: null,
    jurisdiction: ['EU'],
    regime: 'gdpr-optin@1',
    notice: { id: 'n', version: '1', lang: 'en', hash: consentId(0) },
    grants: (['behavioral', 'feedback'] as const).map((category) => ({
      category,
      purpose: PURPOSE,
      operations: ['collect'],
      legalBasis: 'https://w3id.org/dpv/legal/eu/gdpr#A6-1-a',
      state: 'given',
      consentType: 'expressed',
      necessity: 'required',
    })),
    event: { type: 'grant', at: '2026-01-01T00:00:00Z', method: 'test', by: 'subject' },
  };
  return applyConsent(NO_CONSENT, { id: consentId(0), event, index: 0, receivedAt: 0 });
}

export function consentId(n: number): string {
  return `sha-256:${String(n).padStart(42, '0')}A`;
}

/** A fold whose state is the number of events folded. */
export const countFold = (features: FeatureBytes | null, fresh: readonly AdmittedEvent[]): FeatureBytes =>
  bytes((features?.[0] ?? 0) + fresh.length);

export const neverFold = (): FeatureBytes => {
  throw new RangeError('nothing is fresh');
};

export function count(features: FeatureBytes | null | undefined): number | undefined {
  return features?.[0];
}

export async function keptEvents(store: TwinStore, subject: string): Promise<CustomerEvent[]> {
  const [twin] = await store.readTwins([subject]);
  let kept: readonly CustomerEvent[] = [];
  await store.refoldEvents(subject, [], (events) => {
    kept = events;
    return twin?.features ?? bytes();
  });
  return [...kept].sort((a, b) => (a.id < b.id ? -1 : 1));
}

export async function keptIds(store: TwinStore, subject: string): Promise<string[]> {
  return (await keptEvents(store, subject)).map(({ id }) => id);
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}
