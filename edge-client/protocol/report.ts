/**
 * A report: the one message by which training results leave a device. Wire form, after the four bytes `TWKR` and one version byte,
 * each field with a u32 little-endian length:
 *
 *   header      canonical JSON of ReportHeader
 *   signature   64 bytes: Ed25519 by the device key over "twinkeep/1/report\n" and the header bytes
 *   box 1..m    sealed mask seeds, one per helper
 *   members     32 bytes per twin (`members.ts`): whose updates or evaluations are summed in here
 *   vector      words of b bits (`packing.ts`): quantised sum + masks, modulo 2^b
 *
 * The header binds everything else by hash. Members go to the coordinator, for the consent gate; helpers see header, signature
 * and their own box. `MaskedReport` can be made only here, from a `QuantizedDelta`, and the upload takes nothing else.
 */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  bytesToUtf8,
  canonicalBytes,
  concatBytes,
  equalBytes,
  sha256,
  utf8ToBytes,
  type Sha256,
} from '@twinkeep/audit';
import * as v from 'valibot';
import { boxLength, sealSeeds } from './box.ts';
import { MAX_CREDENTIAL_BYTES } from './credential.ts';
import { helperFamily } from './family.ts';
import { createFrameReader, lengthPrefixed } from './frame.ts';
import type { SigningKey } from './key.ts';
import { addMask, SEED_BYTES, seedCommitment } from './mask.ts';
import { bytesToMembers, drawMembers, MEMBER_BYTES, membersRoot } from './members.ts';
import { isPacked, packedLength, packWords } from './packing.ts';
import type { MaskPrg } from './prg.ts';
import { ProblemError, ProtocolError } from './problem.ts';
import type { QuantizedDelta } from './quantize.ts';
import type { RoundConfig } from './round.ts';
import type { Random } from './random.ts';
import { firstIssue, hashSchema, keyIdSchema } from './schema.ts';
import { verifyDetached } from './sodium.ts';
import { PROTOCOL } from './version.ts';

const MAGIC = Uint8Array.from([...utf8ToBytes('TWKR'), 1]);
const MAX_HEADER_BYTES = 8_192 + MAX_CREDENTIAL_BYTES;

export interface ReportHeader {
  v: 1;
  rcHash: string;
  /** Device key id. */
  key: string;
  vectorHash: string;
  /** By helper number. */
  boxHashes: string[];
  /** By set index of the family. */
  commitments: string[];
  /** Twins summed in the vector. */
  twins: number;
  /** RFC 6962, over the records of the members. */
  membersRoot: string;
  credential: string;
}

const headerSchema: v.GenericSchema<ReportHeader> = v.strictObject({
  v: v.literal(1),
  rcHash: hashSchema,
  key: keyIdSchema,
  vectorHash: hashSchema,
  boxHashes: v.pipe(v.array(hashSchema), v.minLength(1), v.maxLength(8)),
  commitments: v.pipe(v.array(hashSchema), v.minLength(1), v.maxLength(70)),
  twins: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1e7)),
  membersRoot: hashSchema,
  credential: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_CREDENTIAL_BYTES)),
});

declare const masked: unique symbol;

export interface MaskedReport {
  /** The whole message; a retry sends the same bytes. */
  readonly bytes: Uint8Array;
  readonly headerHash: Uint8Array;
  readonly [masked]: true;
}

/** Masks, seals and signs. Seeds are wiped before this returns. @param members subject ids of the summed twins */
export async function maskReport(
  quantized: QuantizedDelta,
  members: readonly string[],
  round: { config: RoundConfig; rcHash: Uint8Array },
  device: { key: SigningKey; credential: string },
  deps: { prg: MaskPrg; random: Random },
): Promise<MaskedReport> {
  const { config, rcHash } = round;
  const family = helperFamily(config.helpers.length, config.c);
  if (members.length !== quantized.twins)
    throw new ProtocolError('protocol/layout', 'members and twins differ in number');
  if (quantized.values.length !== reportWords(config))
    throw new ProtocolError('protocol/layout', 'the vector was made for another round');
  const vector = new Uint32Array(quantized.values);
  const seeds = family.map(() => deps.random(SEED_BYTES));
  for (const [index, set] of family.entries())
    await addMask(vector, seeds[index] as Uint8Array, rcHash, set, deps.prg);
  const vectorBytes = packWords(vector, config.b);
  // The platform's own hash: the vector is most of a report, and a hash in script costs more than its masks.
  const vectorHash = new Uint8Array(await crypto.subtle.digest('SHA-256', vectorBytes));
  const context = { rcHash, reporterKey: device.key.publicKey, vectorHash };
  const boxes = config.helpers.map(({ j, boxKey }) =>
    sealSeeds(context, family, seeds, j, base64UrlToBytes(boxKey)),
  );
  const memberBytes = drawMembers(members, deps.random);
  const header: ReportHeader = {
    v: 1,
    rcHash: bytesToBase64Url(rcHash),
    key: device.key.id,
    vectorHash: bytesToBase64Url(vectorHash),
    boxHashes: boxes.map((box) => bytesToBase64Url(sha256(box))),
    commitments: family.map((set, index) =>
      bytesToBase64Url(seedCommitment(seeds[index] as Uint8Array, rcHash, set)),
    ),
    twins: quantized.twins,
    membersRoot: membersRoot(memberBytes),
    credential: device.credential,
  };
  for (const seed of seeds) seed.fill(0);
  const headerBytes = canonicalBytes(header);
  const signature = await device.key.sign(signedBytes(headerBytes));
  const bytes = concatBytes(
    MAGIC,
    lengthPrefixed(headerBytes, signature, ...boxes, memberBytes, vectorBytes),
  );
  return { bytes, headerHash: sha256(headerBytes) } as MaskedReport;
}

/**
 * A report that this device made before, read back from its own store after a restart, so that a retry sends the same bytes.
 * @param made the round it was made for, and the key that signed it
 * @throws ProblemError 'report/...' where the bytes are not a report of that key for that round
 */
export function restoreReport(bytes: Uint8Array, made: { rcHash: string; key: string }): MaskedReport {
  const report = readFrame(bytes, ({ boxHashes }) => ({
    boxes: boxHashes.map(() => bytes.length),
    members: bytes.length,
  }));
  const { header, headerBytes, headerHash, signature, vectorBytes } = report;
  if (header.rcHash !== made.rcHash) throw new ProblemError('round/config-mismatch');
  if (header.key !== made.key) throw new ProblemError('report/key');
  verifyHeaderSignature(headerBytes, signature, header.key);
  if (bytesToBase64Url(sha256(vectorBytes)) !== header.vectorHash)
    throw new ProblemError('report/vector-hash');
  return { bytes, headerHash } as MaskedReport;
}

export interface DecodedReport {
  header: ReportHeader;
  headerBytes: Uint8Array;
  headerHash: Uint8Array;
  signature: Uint8Array;
  boxes: Uint8Array[];
  /** Subject ids, ascending as bytes. */
  members: string[];
  /** 16 bytes for each of them. */
  memberSalts: Uint8Array[];
  memberBytes: Uint8Array;
  vectorBytes: Uint8Array;
}

/** Bytes of the longest report that a round takes with this many twins in it: what a server allows as a body. */
export function maxReportBytes(config: RoundConfig, maxTwins: number): number {
  const family = helperFamily(config.helpers.length, config.c);
  const boxes = config.helpers.reduce((sum, { j }) => sum + 4 + boxLength(family, j), 0);
  return (
    MAGIC.length +
    4 +
    MAX_HEADER_BYTES +
    68 +
    boxes +
    4 +
    maxTwins * MEMBER_BYTES +
    4 +
    packedLength(reportWords(config), config.b)
  );
}

/** Words of a report's vector, and of a sum. */
export function reportWords({ dPadded, evaluationLength, clipLength }: RoundConfig): number {
  return dPadded + evaluationLength + clipLength;
}

/**
 * Decodes what a device sent and makes every check that needs no state but the round's configuration.
 * @param hash a faster SHA-256 where the platform has one: it runs over every byte of every report
 * @throws ProblemError 'report/...' or 'round/config-mismatch'
 */
export function decodeReport(
  bytes: Uint8Array,
  config: RoundConfig,
  rcHash: Uint8Array,
  hash: Sha256 = sha256,
): DecodedReport {
  const family = helperFamily(config.helpers.length, config.c);
  const report = readFrame(bytes, () => ({
    boxes: config.helpers.map(({ j }) => boxLength(family, j)),
    members: config.maxTwins * MEMBER_BYTES,
  }));
  const { header, vectorBytes } = report;
  checkVector(vectorBytes, config);
  if (header.rcHash !== bytesToBase64Url(rcHash)) throw new ProblemError('round/config-mismatch');
  if (header.boxHashes.length !== config.helpers.length || header.commitments.length !== family.length) {
    throw new ProblemError('report/malformed', 'boxes or commitments are not those of the helper family');
  }
  if (header.twins > config.maxTwins) throw new ProblemError('report/too-many-twins');
  verifyHeaderSignature(report.headerBytes, report.signature, header.key);
  if (bytesToBase64Url(hash(vectorBytes)) !== header.vectorHash) throw new ProblemError('report/vector-hash');
  report.boxes.forEach((box, i) => {
    if (bytesToBase64Url(sha256(box)) !== header.boxHashes[i])
      throw new ProblemError('report/box-hash', `helper ${i + 1}`);
  });
  checkMembers(report, hash);
  return report;
}

/** What a helper gets of a report: enough to accept or refuse it, and no vector. */
export interface HelperReport {
  headerBytes: Uint8Array;
  signature: Uint8Array;
  box: Uint8Array;
}

/** Parses and checks a header apart from its report, as a helper does. @throws ProblemError 'report/...' */
export function verifyHeader(headerBytes: Uint8Array, signature: Uint8Array): ReportHeader {
  const header = parseHeader(headerBytes);
  verifyHeaderSignature(headerBytes, signature, header.key);
  return header;
}

/** @param limits longest box of each helper, and longest list of members, in bytes */
function readFrame(
  bytes: Uint8Array,
  limits: (header: ReportHeader) => { boxes: number[]; members: number },
): DecodedReport {
  try {
    const reader = createFrameReader(bytes);
    if (!equalBytes(reader.take(MAGIC.length, 'the magic bytes'), MAGIC)) {
      throw new ProblemError('report/malformed', 'it does not start as a report of this version');
    }
    const headerBytes = reader.takePrefixed(MAX_HEADER_BYTES, 'the header');
    const header = parseHeader(headerBytes);
    const longest = limits(header);
    const signature = reader.takePrefixed(64, 'the signature');
    const boxes = longest.boxes.map((max, i) => reader.takePrefixed(max, `the box of helper ${i + 1}`));
    const memberBytes = reader.takePrefixed(longest.members, 'the members');
    const vectorBytes = reader.takePrefixed(bytes.length, 'the vector');
    reader.end();
    const { subjects: members, salts: memberSalts } = bytesToMembers(memberBytes);
    const headerHash = sha256(headerBytes);
    return {
      header,
      headerBytes,
      headerHash,
      signature,
      boxes,
      members,
      memberSalts,
      memberBytes,
      vectorBytes,
    };
  } catch (error) {
    if (error instanceof ProtocolError) throw new ProblemError('report/malformed', error.message);
    throw error;
  }
}

function parseHeader(headerBytes: Uint8Array): ReportHeader {
  let json: unknown;
  try {
    json = JSON.parse(bytesToUtf8(headerBytes));
  } catch {
    throw new ProblemError('report/malformed', 'the header is not JSON');
  }
  const parsed = v.safeParse(headerSchema, json);
  if (!parsed.success) throw new ProblemError('report/malformed', `the header: ${firstIssue(parsed.issues)}`);
  // One header has one spelling: otherwise a hash would name several.
  if (!equalBytes(canonicalBytes(parsed.output), headerBytes))
    throw new ProblemError('report/malformed', 'the header is not canonical');
  return parsed.output;
}

function verifyHeaderSignature(headerBytes: Uint8Array, signature: Uint8Array, key: string): void {
  if (!verifyDetached(signature, signedBytes(headerBytes), base64UrlToBytes(key)))
    throw new ProblemError('report/signature');
}

function checkMembers({ header, members, memberBytes }: DecodedReport, hash: Sha256): void {
  if (members.length !== header.twins)
    throw new ProblemError('report/members', 'their number is not that of the header');
  if (membersRoot(memberBytes, hash) !== header.membersRoot) throw new ProblemError('report/members');
}

function checkVector(bytes: Uint8Array, config: RoundConfig): void {
  const length = packedLength(reportWords(config), config.b);
  if (bytes.length !== length)
    throw new ProblemError('report/length', `the vector has ${bytes.length} bytes, not ${length}`);
  if (!isPacked(bytes, reportWords(config), config.b))
    throw new ProblemError('report/malformed', 'the padding of the vector is not zero');
}

function signedBytes(headerBytes: Uint8Array): Uint8Array {
  return concatBytes(utf8ToBytes(`${PROTOCOL}/report\n`), headerBytes);
}
