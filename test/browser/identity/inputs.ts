/** A round, a device and its twins: fixed, so that a report of theirs is. */
import { base64UrlToBytes, bytesToBase64Url, sha256, utf8ToBytes } from '@twinkeep/audit';
import { planGrid, reportLayout, type BoxKeyPair, type RoundConfig } from '@twinkeep/protocol';

export const SPEC = { bins: 200, logitRange: 8, maxLoss: 8, holdout: 0.3 };
export const LAYOUT = reportLayout(1_500, SPEC.bins);
export const RC_HASH: Uint8Array = named('round');

/** The key of RFC 8037, appendix A. */
export const KEY: JsonWebKey = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
};

/** X25519 keys of the helpers; the private ones are SHA-256 of "box of helper j". */
export const BOXES: BoxKeyPair[] = [
  'qH8LnMiiY_zcTCSx5YLU6Tysqk3zsx5HEReuZNsuk1U',
  'Vfs4qeGmQOOqZhLmv31R0ddfMV1dW8nMNEbYUO4eHAA',
  'VO1MGaLRVIhGdGCbTR9n_jawLCbgsU37IAEr6zLYR1Q',
  '_nXekRF_D3K6RkkqiSvc68h0s6d0Y00AukkPHUZPPAI',
].map((publicKey, i) => ({
  publicKey: base64UrlToBytes(publicKey),
  privateKey: named(`box of helper ${i + 1}`),
}));

export const MEMBERS: string[] = Array.from({ length: 60 }, (_, i) =>
  bytesToBase64Url(named(`twin ${i}`).subarray(0, 16)),
);

const { unit, qTwin } = planGrid({ bits: 32, maxTwins: 1_000, dPadded: 1, noise: null });
const hash = bytesToBase64Url(named('any'));

export const CONFIG: RoundConfig = {
  v: 1,
  taskId: 'task',
  taskHash: hash,
  round: 1,
  kind: 'train',
  prevResultHash: null,
  modelHash: hash,
  modelBytesLen: 4 * LAYOUT.d,
  archHash: hash,
  clientBuildHash: null,
  d: LAYOUT.d,
  dPadded: LAYOUT.dPadded,
  evaluationLength: LAYOUT.evaluationLength,
  clipLength: 0,
  rotation: { type: 'hd', seed: bytesToBase64Url(named('rotation')) },
  b: 32,
  clipL2: 0.7,
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
  helpers: BOXES.map(({ publicKey }, i) => ({
    j: i + 1,
    key: hash,
    boxKey: bytesToBase64Url(publicKey),
    e: 1,
  })),
  c: 2,
  mode: 'quorum',
  q: 2,
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

function named(name: string): Uint8Array {
  return sha256(utf8ToBytes(name));
}
