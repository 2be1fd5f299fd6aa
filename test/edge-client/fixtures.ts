/** A task, its subjects' consents, and events that have passed the gate. */
import { createLeaf, bytesToBase64Url } from '@twinkeep/audit';
import {
  CATEGORIES,
  createConsentEvent,
  NO_CONSENT,
  applyConsent,
  PURPOSES,
  type Category,
  type ConsentInput,
  type ConsentState,
  type ConsentUse,
  type Operation,
} from '@twinkeep/consent';
import {
  admit,
  isAdmitted,
  parseEvent,
  type AdmitPolicy,
  type AdmittedEvent,
  type ConsentEntry,
} from '@twinkeep/edge-client/fleet';
import {
  inputWidth,
  parseTask,
  type AttributeValue,
  type CustomerEvent,
  type Feature,
  type TaskSpec,
} from '@twinkeep/protocol';
import { createHash } from 'node:crypto';

export const DAY = 86_400_000;
export const NOW: number = Date.parse('2026-03-01T12:00:00Z');
export const PURPOSE: string = PURPOSES.serviceOptimisation;
export const SUBJECT = 'AAECAwQFBgcICQoLDA0ODw';

/** 22 characters of base64url, different for different n. */
export function subjectOf(n: number): string {
  return createHash('sha256').update(`subject ${n}`).digest().subarray(0, 16).toString('base64url');
}

export const USE: ConsentUse = { purpose: PURPOSE, sector: 'general' };

export const POLICY: AdmitPolicy = {
  uses: [USE],
  retentionDays: Object.fromEntries(CATEGORIES.map((category) => [category, 4_000])) as Record<
    Category,
    number
  >,
};

export const FEATURES: Feature[] = [
  {
    name: 'plan',
    category: 'transactional',
    event: 'attribute.set',
    attribute: 'plan',
    aggregate: { kind: 'last' },
    transform: { kind: 'one-hot', vocabulary: ['basic', 'plus'], other: true },
  },
  {
    name: 'spend',
    category: 'transactional',
    event: 'order',
    attribute: 'amount',
    aggregate: { kind: 'sum' },
    windowDays: 30,
    transform: { kind: 'scale', bounds: [0, 200], curve: 'log1p', indicator: false },
  },
  {
    name: 'visits',
    category: 'behavioral',
    event: 'visit',
    aggregate: { kind: 'count' },
    windowDays: 30,
    transform: { kind: 'scale', bounds: [0, 20], curve: 'linear', indicator: true },
  },
];

export function makeTask(overrides: Partial<TaskSpec> = {}): TaskSpec {
  const features = overrides.features ?? FEATURES;
  return parseTask({
    v: 1,
    taskId: 'churn',
    title: 'Who is about to leave',
    purpose: PURPOSE,
    sector: 'general',
    categories: { required: ['transactional'], optional: ['behavioral'] },
    features,
    label: {
      category: 'transactional',
      event: 'contract.ended',
      attribute: 'left',
      positive: [true],
      negative: [false],
      horizonDays: 30,
    },
    model: {
      kind: 'mlp',
      inputs: inputWidth(features),
      hidden: [4],
      outputs: 1,
      activation: 'tanh',
      seed: 'seed',
    },
    clipL2: 1,
    optimizer: { kind: 'momentum', learningRate: 1, momentum: 0.9, decay: 0 },
    rounds: 3,
    evaluation: { bins: 200, logitRange: 8, maxLoss: 8, holdout: 0.3 },
    floors: { nMin: 2, nTarget: 3, minTwins: 2, maxTwins: 1_000 },
    helpers: { m: 4, c: 1, mode: 'quorum', q: 3 },
    bits: 32,
    privacy: { mech: 'none' },
    windows: { collect: 60_000, ack: 10_000, reveal: 10_000 },
    ...overrides,
  });
}

export interface ChainLink {
  type: 'grant' | 'withdraw' | 'refuse' | 'notify';
  categories?: readonly Category[];
  operations?: Operation[];
  /** Place in the log; null: signed and not logged. */
  index: number | null;
  minCohort?: number;
  maxEpsilon?: number;
  validUntil?: number;
  consentType?: 'expressed' | 'explicit';
}

/** What one yes can cover: special categories take another. */
const ORDINARY: readonly Category[] = CATEGORIES.filter((category) => category !== 'psychographic');
const EVERY_STEP: Operation[] = ['collect', 'train_local', 'contribute'];

/** A subject's consents as a store keeps them. Signatures are not looked at there, so they are filler. */
export function makeChain(subject: string, links: readonly ChainLink[]): ConsentEntry[] {
  const entries: ConsentEntry[] = [];
  for (const [
    i,
    { type, categories = ORDINARY, operations = EVERY_STEP, index, ...terms },
  ] of links.entries()) {
    const input = {
      recordId: '01KF0S8Q400000000000000001',
      subject,
      controller: 'https://bank.example',
      seq: i + 1,
      links: { prev: entries.at(-1)?.id ?? null },
      jurisdiction: ['EU'],
      notice: { id: 'n', version: '1', lang: 'en', hash: `sha-256:${'A'.repeat(43)}` },
      categories: { required: [...categories], optional: [] },
      purpose: PURPOSE,
      operations,
      at: NOW - 100 * DAY + i * 1000,
      method: 'test+confirm',
      provenance: { by: 'subject' },
      type,
      ...(type === 'grant' ? { terms: grantTerms(terms) } : {}),
    } as unknown as ConsentInput;
    const payload = Buffer.from(JSON.stringify(createConsentEvent(input))).toString('base64url');
    const jws = `e30.${payload}.${'A'.repeat(86)}`;
    const id = `sha-256:${createHash('sha256').update(jws).digest('base64url')}`;
    entries.push({ id, jws, receipt: index === null ? null : receiptFor(jws, index) });
  }
  return entries;
}

function grantTerms({
  minCohort,
  maxEpsilon,
  validUntil,
  consentType = 'expressed',
}: Pick<ChainLink, 'minCohort' | 'maxEpsilon' | 'validUntil' | 'consentType'>): unknown {
  return {
    consentType,
    storage: { location: 'device', retention: 'P1Y', deletion: 'P30D' },
    source: 'https://w3id.org/dpv#ThirdPartyDataSource',
    ...(validUntil === undefined ? {} : { validUntil }),
    ...(minCohort === undefined ? {} : { privacyFloor: { secAgg: { minCohort } } }),
    ...(maxEpsilon === undefined
      ? {}
      : { privacyFloor: { dp: { epsMaxMicro: 1e6 * maxEpsilon, deltaMaxPico: 1e6, unit: 'user' } } }),
  };
}

function receiptFor(jws: string, index: number): NonNullable<ConsentEntry['receipt']> {
  const salt = createHash('sha256').update(`salt ${index}`).digest();
  const { leaf } = createLeaf({ type: 'consent', at: new Date(NOW - 100 * DAY), body: jws, salt });
  return { index, leaf: bytesToBase64Url(leaf), salt: salt.toString('base64url'), proof: 'a proof' };
}

/** Consents of a state as the fold would make it, for the gate alone. */
export function grantedState(subject: string, categories: readonly Category[] = CATEGORIES): ConsentState {
  const special = categories.filter((category) => category === 'psychographic');
  const ordinary = categories.filter((category) => category !== 'psychographic');
  const links: ChainLink[] = [
    { type: 'notify', categories: ['third_party_enrichment'], index: 0 },
    { type: 'grant', categories: ordinary, index: 1 },
    { type: 'grant', categories: special, consentType: 'explicit', index: 2 },
  ];
  const chain = makeChain(
    subject,
    links.filter((link) => link.categories?.length !== 0),
  );
  return chain.reduce((state, { id, jws }, index) => {
    const event = JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString());
    return applyConsent(state, { id, event, index, receivedAt: NOW });
  }, NO_CONSENT);
}

let serial = 0;

export function makeEvent(
  type: string,
  category: Category,
  time: number,
  data: Record<string, AttributeValue> = {},
): CustomerEvent {
  return { id: `e${serial++}`, source: 'test', type, category, time: new Date(time).toISOString(), data };
}

const granted = new Map<string, ConsentState>();

/** Through the gate, as every event must go. */
export function admitted(event: CustomerEvent, subject: string = SUBJECT): AdmittedEvent {
  const consent = granted.get(subject) ?? grantedState(subject);
  granted.set(subject, consent);
  const outcome = admit(parseEvent(event), subject, consent, POLICY, NOW);
  if (!isAdmitted(outcome)) throw new Error(`the gate refused: ${outcome.refused}`);
  return outcome;
}
