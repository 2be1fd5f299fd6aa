/**
 * Every byte that two platforms have to agree on, computed from fixed inputs. Runs as it is in Node and in a page; `identity.test.ts`
 * compares. Results are hashes, since some are megabytes long.
 */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  bytesToHex,
  canonicalBytes,
  canonicalJson,
  sha256,
  utf8ToBytes,
} from '@twinkeep/audit';
import {
  addEvaluation,
  addMask,
  CHUNK_WORDS,
  clipDelta,
  decodeReport,
  dequantizeUpdate,
  helperFamily,
  importSigningKey,
  initialWeights,
  maskReport,
  openSeeds,
  quantize,
  rotate,
  rotationSigns,
  signStatement,
  sodiumReady,
  webCryptoPrg,
  weightsToBytes,
  type MaskPrg,
  type ModelSpec,
  type Random,
  type SigningKey,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { BOXES, CONFIG, KEY, LAYOUT, MEMBERS, RC_HASH, SPEC } from './inputs.ts';

/** What was computed -> the SHA-256 of its bytes, in hexadecimal. */
export type Fingerprints = Record<string, string>;

export async function fingerprints(prg: MaskPrg = webCryptoPrg): Promise<Fingerprints> {
  await sodiumReady;
  const key = await importSigningKey(KEY);
  return {
    ...(await masks(prg)),
    ...(await vectors(prg)),
    ...weights(),
    ...json(),
    ...(await signatures(key)),
    ...(await report(prg, key)),
  };
}

/** Lengths around a block of the cipher, and around the chunk after which a mask takes another key. */
async function masks(prg: MaskPrg): Promise<Fingerprints> {
  const out: Fingerprints = {};
  for (const words of [1, 4, 5, 1_000, CHUNK_WORDS, CHUNK_WORDS + 3]) {
    const sum = new Uint32Array(words).fill(0xffff_fff0);
    for (const set of helperFamily(4, 2)) await addMask(sum, seed(`mask ${set.join()}`), RC_HASH, set, prg);
    out[`mask of ${words} words`] = hash(sum);
  }
  return out;
}

/** The floating point on the way to a report: signs, rotation, clipping, evaluation, rounding, and the way back. */
async function vectors(prg: MaskPrg): Promise<Fingerprints> {
  const signs = await rotationSigns(base64UrlToBytes(CONFIG.rotation.seed), LAYOUT.dPadded, prg);
  const update = updateOf(CONFIG.d);
  const clipped = clipDelta(update, CONFIG.clipL2);
  const grid = { ...CONFIG, layout: LAYOUT, signs };
  const quantized = quantize(clipped, evaluation(), grid, drawn('rounding'));
  return {
    'rotation signs': hash(signs),
    'rotated update': hash(rotate(update, signs)),
    'clipped update': hash(clipped.values),
    'evaluation block': hash(evaluation().values),
    'quantised vector': hash(quantized.values),
    'dequantised update': hash(dequantizeUpdate(quantized.values, grid)),
  };
}

function weights(): Fingerprints {
  const shapes: [number, number[]][] = [
    [1, []],
    [30, []],
    [30, [16]],
    [64, [32, 16, 8]],
  ];
  return Object.fromEntries(
    shapes.map(([inputs, hidden]) => {
      const spec: ModelSpec = {
        kind: 'mlp',
        inputs,
        hidden,
        outputs: 1,
        activation: 'tanh',
        seed: `${inputs}`,
      };
      return [`weights of ${[inputs, ...hidden].join('-')}`, hash(weightsToBytes(initialWeights(spec)))];
    }),
  );
}

/** Numbers are where engines could differ: their shortest decimal form is the engine's own work. */
function json(): Fingerprints {
  const sample = <T>(arbitrary: fc.Arbitrary<T>): T[] => fc.sample(arbitrary, { seed: 8785, numRuns: 2_000 });
  const numbers = sample(fc.double({ noNaN: true, noDefaultInfinity: true })).map((value) => value + 0);
  const texts = sample(fc.string({ unit: 'binary' }));
  const keys = Object.fromEntries(texts.map((text, i) => [`${text}\u{1f9ec}${i}`, numbers[i]]));
  return {
    'canonical numbers': hash(canonicalBytes(numbers)),
    'canonical texts': hash(canonicalBytes(texts)),
    'canonical order of keys': hash(canonicalBytes(keys)),
  };
}

async function signatures(key: SigningKey): Promise<Fingerprints> {
  const statement = await signStatement('round-config', CONFIG, key);
  return { 'signed statement': hash(utf8ToBytes(canonicalJson(statement))) };
}

/** A whole report. Sealed boxes are random by design: what they open to, for the helper, stands in their place. */
async function report(prg: MaskPrg, key: SigningKey): Promise<Fingerprints> {
  const decoded = decodeReport(await reportBytes(prg, key), CONFIG, RC_HASH);
  const { boxHashes, ...header } = decoded.header;
  const family = helperFamily(CONFIG.helpers.length, CONFIG.c);
  const context = {
    rcHash: RC_HASH,
    reporterKey: key.publicKey,
    vectorHash: base64UrlToBytes(header.vectorHash),
  };
  const commitments = header.commitments.map(base64UrlToBytes);
  const opened = decoded.boxes.map((box, i) =>
    [...openSeeds(box, context, family, commitments, i + 1, BOXES[i] as (typeof BOXES)[number])].map(
      ([set, bytes]) => `${set}:${bytesToHex(bytes)}`,
    ),
  );
  return {
    'report header': hash(canonicalBytes({ ...header, boxes: boxHashes.length })),
    'report members': hash(canonicalBytes(decoded.members)),
    'report vector': hash(decoded.vectorBytes),
    'opened boxes': hash(canonicalBytes(opened)),
  };
}

/** The report of these inputs, in the base64url of its bytes: for the other platform to read. */
export async function makeReport(prg: MaskPrg = webCryptoPrg): Promise<string> {
  await sodiumReady;
  return bytesToBase64Url(await reportBytes(prg, await importSigningKey(KEY)));
}

/** What a report that the other platform made holds, apart from what is random in it. @throws ProblemError where it is none */
export function readReport(text: string): { vector: string; members: string[] } {
  const { vectorBytes, members } = decodeReport(base64UrlToBytes(text), CONFIG, RC_HASH);
  return { vector: hash(vectorBytes), members };
}

async function reportBytes(prg: MaskPrg, key: SigningKey): Promise<Uint8Array> {
  const signs = await rotationSigns(base64UrlToBytes(CONFIG.rotation.seed), LAYOUT.dPadded, prg);
  const grid = { ...CONFIG, layout: LAYOUT, signs };
  const clipped = clipDelta(updateOf(CONFIG.d), CONFIG.clipL2);
  const quantized = quantize(clipped, evaluation(), grid, drawn('rounding'));
  const round = { config: CONFIG, rcHash: RC_HASH };
  const device = { key, credential: 'eyJ.fixed.credential' };
  return (await maskReport(quantized, MEMBERS, round, device, { prg, random: drawn('seeds') })).bytes;
}

/** Values of all magnitudes, from `+ - * /` alone, so that the inputs are the same everywhere. */
function updateOf(d: number): Float64Array {
  const bytes = new DataView(stream('update', 4 * d).buffer);
  return Float64Array.from(
    { length: d },
    (_, i) => bytes.getInt32(4 * i) / 2 ** 31 / (1 + (i % 97) * (i % 13)),
  );
}

function evaluation(): ReturnType<typeof addEvaluation> {
  const heldOut = MEMBERS.length - 1;
  const bytes = stream('logits', heldOut);
  const logits = Float32Array.from(bytes, (byte) => (byte - 128) / 9);
  const labels = Float32Array.from(bytes, (byte, i) => (byte + i) % 2);
  return addEvaluation(logits, labels, CONFIG.unit, SPEC);
}

/** A list of "random" bytes that goes on over calls. */
function drawn(name: string): Random {
  let call = 0;
  return (n) => stream(`${name} ${call++}`, n);
}

/** SHA-256 in counter mode. */
function stream(name: string, length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += 32) out.set(seed(`${name}/${at}`).subarray(0, length - at), at);
  return out;
}

function seed(name: string): Uint8Array {
  return sha256(utf8ToBytes(name));
}

function hash({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return bytesToHex(sha256(new Uint8Array(buffer, byteOffset, byteLength)));
}
