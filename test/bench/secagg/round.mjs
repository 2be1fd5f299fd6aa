// A round for the benchmark: real keys, a real configuration of its size, and reports that real devices could have sent.
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  admitClippedSum,
  createBoxKeyPair,
  createSigningKey,
  decodeReport,
  issueCredential,
  maskReport,
  planGrid,
  quantize,
  randomBytes,
  reportLayout,
  rotationSigns,
  webCryptoPrg,
} from '@twinkeep/protocol';
import { nodePrg } from '@twinkeep/region';

const BINS = 256;
const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://coordinator.example';

/** Bytes of vectors kept at hand: more than a processor's cache, so that a sum over them reads memory as a real one does. */
const POOL_BYTES = 64 * 2 ** 20;

export async function createRound({ d, maxTwins, m, c, bits }) {
  const layout = reportLayout(d, BINS);
  const grid = planGrid({ bits, maxTwins, dPadded: layout.dPadded, noise: null });
  const boxes = Array.from({ length: m }, createBoxKeyPair);
  const issuer = await createSigningKey();
  const signs = await rotationSigns(randomBytes(32), layout.dPadded, webCryptoPrg);
  const helpers = boxes.map(({ publicKey }, i) => ({ j: i + 1, boxKey: bytesToBase64Url(publicKey), e: 1 }));
  const config = {
    ...layout,
    ...grid,
    b: bits,
    clipL2: 1,
    minTwins: 1,
    maxTwins,
    helpers,
    c,
    dp: { mech: 'none' },
  };
  const trust = { coordinator: { id: AUDIENCE }, issuer: { id: ISSUER, keys: [issuer.id] } };
  return { config, layout, signs, boxes, issuer, trust, rcHash: randomBytes(32) };
}

/** One device with one twin, and the update that it trained. */
export async function createDevice({ config, issuer }, random) {
  const key = await createSigningKey();
  const sub = bytesToBase64Url(randomBytes(16));
  const claims = { sub, devicePublicKey: key.publicKey, maxTwins: 1, scope: 'device' };
  const credential = await issueCredential(claims, { id: ISSUER, key: issuer }, AUDIENCE, new Date(), 86_400);
  const update = Float64Array.from({ length: config.d }, () => random() - 0.5);
  const norm = Math.sqrt(update.reduce((sum, value) => sum + value * value, 0));
  return { key, credential, members: [sub], update: update.map((value) => (0.9 * value) / norm) };
}

/** What a device does once it has trained: rotate, scale, round. */
export function quantizeUpdate({ config, layout, signs }, { update }) {
  const evaluation = { values: new Float64Array(layout.evaluationLength), twins: 0 };
  const clipped = admitClippedSum(update, 1, config.clipL2, 1);
  return quantize(clipped, evaluation, { ...config, layout, signs }, randomBytes);
}

/** Then: mask, pack, seal, sign. */
export function makeReport(round, device, quantized, prg = webCryptoPrg) {
  return maskReport(quantized, device.members, round, device, { prg, random: randomBytes });
}

/** Different reports, with what is inside of them; a set of n reports goes round them. */
export async function createPool(round, most, random) {
  const pool = [];
  for (
    let bytes = 0;
    bytes < POOL_BYTES && pool.length < Math.max(10, most);
    bytes += pool.at(-1).bytes.length
  ) {
    const device = await createDevice(round, random);
    const { values } = quantizeUpdate(round, device);
    const { bytes: message } = await makeReport(round, device, { values, twins: 1 }, nodePrg);
    const decoded = decodeReport(message, round.config, round.rcHash);
    // The vector has memory of its own, as one that comes out of the database has.
    pool.push({ bytes: message, clear: values, decoded, vector: decoded.vectorBytes.slice() });
  }
  return pool;
}

/** As a helper gets it. */
export function toOffer({ decoded }, j) {
  return { headerBytes: decoded.headerBytes, signature: decoded.signature, box: decoded.boxes[j - 1] };
}

export function helperTerms({ config, rcHash, boxes }, j) {
  return { config, rcHash: bytesToBase64Url(rcHash), boxKeys: boxes[j - 1], e: 1 };
}

/** Minimal standard generator (Park and Miller 1988): data for a benchmark, nothing more. */
export function lcg(seed) {
  let state = (seed % 2147483646) + 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
