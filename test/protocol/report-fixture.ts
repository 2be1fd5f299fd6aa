/** A small round of four helpers, and reports for it. */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import {
  admitClippedSum,
  createBoxKeyPair,
  createSigningKey,
  planGrid,
  maskReport,
  quantize,
  randomBytes,
  reportLayout,
  rotationSigns,
  webCryptoPrg,
  type BoxKeyPair,
  type MaskedReport,
  type QuantizedDelta,
  type RoundConfig,
  type SigningKey,
} from '@twinkeep/protocol';

export const SPEC = { bins: 200, logitRange: 8, maxLoss: 8, holdout: 0.3 };

export interface TestRound {
  config: RoundConfig;
  rcHash: Uint8Array;
  boxes: BoxKeyPair[];
}

export async function createTestRound(d = 33, m = 4, c = 1): Promise<TestRound> {
  const boxes = Array.from({ length: m }, createBoxKeyPair);
  const keys = await Promise.all(boxes.map(() => createSigningKey()));
  const layout = reportLayout(d, SPEC.bins);
  const { unit, qTwin } = planGrid({ bits: 32, maxTwins: 1_000, dPadded: 1, noise: null });
  const hash = bytesToBase64Url(sha256(new Uint8Array()));
  const config: RoundConfig = {
    v: 1,
    taskId: 'task',
    taskHash: hash,
    round: 1,
    kind: 'train',
    prevResultHash: null,
    modelHash: hash,
    modelBytesLen: 4 * d,
    archHash: hash,
    clientBuildHash: null,
    d,
    dPadded: layout.dPadded,
    evaluationLength: layout.evaluationLength,
    clipLength: 0,
    rotation: { type: 'hd', seed: hash },
    b: 32,
    clipL2: 1,
    unit,
    evaluationUnit: unit,
    clipStep: 0,
    qTwin,
    rounding: { beta: 0 },
    dp: { mech: 'none' },
    groups: { G: 1 },
    nMin: 2,
    nTarget: 3,
    minTwins: 1,
    maxTwins: 1_000,
    helpers: keys.map(({ id }, i) => ({
      j: i + 1,
      key: id,
      boxKey: bytesToBase64Url(boxes[i]!.publicKey),
      e: 1,
    })),
    c,
    mode: 'quorum',
    q: 3,
    issuerKeys: [hash],
    purpose: 'https://example.com/p',
    operation: 'contribute',
    sector: 'general',
    categories: { required: ['behavioral'], optional: [] },
    openAt: 0,
    closeAt: 1,
    ackDeadline: 2,
    revealDeadline: 3,
  };
  return { config, rcHash: randomBytes(32), boxes };
}

export async function quantizeUpdate(
  { config }: TestRound,
  update: Float64Array,
  twins: number,
): Promise<QuantizedDelta> {
  const layout = reportLayout(config.d, SPEC.bins);
  const signs = await rotationSigns(sha256(new Uint8Array()), layout.dPadded, webCryptoPrg);
  const evaluation = { values: new Float64Array(layout.evaluationLength), twins: 0 };
  const grid = { ...config, layout, signs };
  return quantize(admitClippedSum(update, twins, 1, twins), evaluation, grid, randomBytes);
}

export async function makeReport(
  round: TestRound,
  {
    twins = 2,
    device = undefined as SigningKey | undefined,
    update = new Float64Array(round.config.d).fill(0.1),
  } = {},
): Promise<MaskedReport> {
  const members = Array.from({ length: twins }, () => bytesToBase64Url(randomBytes(16)));
  const key = device ?? (await createSigningKey());
  return maskReport(
    await quantizeUpdate(round, update, twins),
    members,
    round,
    { key, credential: 'jwt' },
    {
      prg: webCryptoPrg,
      random: randomBytes,
    },
  );
}
