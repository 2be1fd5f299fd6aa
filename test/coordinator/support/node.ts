/** A region node's half of a round, played by the protocol's own functions: consents for its twins, and masked reports. */
import { base64UrlToBytes } from '@twinkeep/audit';
import {
  createConsentEvent,
  createConsentSigner,
  createRecordId,
  signConsentEvent,
  type Operation,
  type PrivacyFloor,
  type SignedConsent,
} from '@twinkeep/consent';
import {
  addEvaluation,
  admitClippedSum,
  maskReport,
  publicKeyToJwk,
  quantize,
  randomBytes,
  reportLayout,
  rotationSigns,
  webCryptoPrg,
  type EvaluationBlock,
  type MaskPrg,
  type MaskedReport,
  type RoundConfig,
} from '@twinkeep/protocol';
import { createDevice, createSubject, type Device, type Parties } from './parties.ts';
import { PURPOSE, smallTask } from './task.ts';

export interface TestNode {
  device: Device;
  party: string;
  twins: string[];
  /** Events made so far, by subject: the next links to the last. */
  events: Map<string, SignedConsent[]>;
}

export async function createNode(parties: Parties, twins: number, name: string = 'north'): Promise<TestNode> {
  return {
    device: await createDevice(parties),
    party: `https://${name}.test`,
    twins: Array.from({ length: twins }, createSubject),
    events: new Map(),
  };
}

const NOTICE = { id: 'notice', version: '1', lang: 'en', hash: `sha-256:${'A'.repeat(43)}` };

/** Signs the next event of a subject and remembers it. `changes` overrides parts of the event's input. */
export async function consentOf(
  node: TestNode,
  subject: string,
  type: 'grant' | 'refuse' | 'withdraw' = 'grant',
  changes: {
    seq?: number;
    prev?: string | null;
    validUntil?: number;
    at?: number;
    party?: string;
    purpose?: string;
    operations?: readonly Operation[];
    by?: 'subject' | 'collector';
    floor?: PrivacyFloor;
  } = {},
): Promise<SignedConsent> {
  const { key } = node.device;
  const signer = await createConsentSigner(key.privateKey, publicKeyToJwk(key.publicKey));
  const before = node.events.get(subject) ?? [];
  const at = changes.at ?? Date.now();
  const choice = {
    recordId: createRecordId(at, randomBytes(10)),
    subject,
    controller: 'https://controller.test',
    seq: changes.seq ?? before.length + 1,
    links: { prev: changes.prev === undefined ? (before.at(-1)?.id ?? null) : changes.prev },
    jurisdiction: ['EU'],
    notice: NOTICE,
    categories: smallTask().categories,
    purpose: changes.purpose ?? PURPOSE,
    operations: changes.operations ?? (['contribute'] as const),
    at,
    method: 'import',
    provenance:
      changes.by === 'subject'
        ? { by: 'subject' as const }
        : {
            by: 'collector' as const,
            collectedBy: { kid: signer.kid, party: changes.party ?? node.party },
            evidence: [{ kind: 'file', value: 'a list of the business' }],
          },
  };
  const storage = { location: node.party, retention: 'P1Y', deletion: 'P30D' };
  const terms = {
    consentType: 'expressed' as const,
    storage,
    ...(changes.validUntil === undefined ? {} : { validUntil: changes.validUntil }),
    ...(changes.floor === undefined ? {} : { privacyFloor: changes.floor }),
  };
  const event = createConsentEvent(type === 'grant' ? { ...choice, type, terms } : { ...choice, type });
  const signed = await signConsentEvent(event, signer);
  node.events.set(subject, [...before, signed]);
  return signed;
}

/** What a report sums, known to the test: the clear text that no coordinator sees. */
export interface ClearReport {
  report: MaskedReport;
  /** Quantised, before masking. */
  steps: Int32Array;
}

/** @param gradient sum of the clipped gradients of the node's twins */
export async function reportOf(
  node: TestNode,
  config: RoundConfig,
  rcHash: string,
  options: {
    gradient?: number[];
    members?: string[];
    device?: Device;
    /** Twins whose update was within the bound; all. */
    within?: number;
    /** All twins of the report are held out and have these scores; every second one is positive. */
    logits?: (twin: number) => number;
    /** What an attacker masks with. */
    prg?: MaskPrg;
    /** Of the task's evaluation, where it is not the small task's. */
    bins?: number;
  } = {},
): Promise<ClearReport> {
  const members = options.members ?? node.twins;
  const { bins = smallTask().evaluation.bins } = options;
  const layout = reportLayout(config.d, bins, config.clipLength);
  const signs = await rotationSigns(base64UrlToBytes(config.rotation.seed), config.dPadded, webCryptoPrg);
  const grid = { ...config, layout, signs };
  const gradient = Float64Array.from(
    options.gradient ?? Array.from({ length: config.d }, () => (0.1 * members.length) / Math.sqrt(config.d)),
  );
  const { within = members.length } = options;
  const nothing = { values: new Float64Array(layout.evaluationLength), twins: 0 };
  const none = admitClippedSum(new Float64Array(config.d), members.length, config.clipL2, members.length);
  const update = admitClippedSum(gradient, members.length, config.clipL2, within);
  const quantized =
    options.logits === undefined
      ? quantize(config.kind === 'train' ? update : none, nothing, grid, randomBytes)
      : quantize(
          null,
          heldOut(
            members.map((_, i) => options.logits!(i)),
            config,
          ),
          grid,
          randomBytes,
        );
  const device = options.device ?? node.device;
  const report = await maskReport(
    quantized,
    members,
    { config, rcHash: base64UrlToBytes(rcHash) },
    { key: device.key, credential: device.jwt },
    { prg: options.prg ?? webCryptoPrg, random: randomBytes },
  );
  return { report, steps: quantized.values };
}

function heldOut(logits: readonly number[], { evaluationUnit }: RoundConfig): EvaluationBlock {
  const labels = Float32Array.from(logits, (_, i) => i % 2);
  return addEvaluation(Float32Array.from(logits), labels, evaluationUnit, smallTask().evaluation);
}
