import { createHash } from 'node:crypto';

import { expect, test } from 'vitest';

import {
  addCheckpointToText,
  base64ToBytes,
  bytesToBase64,
  bytesToHex,
  checkpointToText,
  concatBytes,
  cosign,
  createNoteKey,
  createSigner,
  hexToBytes,
  mergeCosignatures,
  noteKeyToVkey,
  openNote,
  proofToText,
  proveConsistency,
  proveInclusion,
  readCosignature,
  signCheckpoint,
  signNote,
  utf8ToBytes,
  vkeyToNoteKey,
  type NoteKey,
} from '@twinkeep/audit';

import noteVectors from '../vectors/signed-note.json' with { type: 'json' };
import { treeReader } from './tree.ts';
import { rfc } from './vectors.ts';

// Each value of `signed-note.json` is made again from the seeds in it and the eight leaves; what only its owner's private key could make
// (the second Go signature, C2SP's, sunlight's) is verified and written again from its parts.

const { goSumdb, c2spExample, own, sunlightCosignature: sunlight } = noteVectors;
/** What says where a vector is from. */
const PROVENANCE = ['goSumdb.origin', 'c2spExample.origin', 'sunlightCosignature.origin'];
const ORIGIN = 'twin.example/audit';
const WITNESS = 'witness.example/w1';
const logSeed = Uint8Array.from({ length: 32 }, (_, i) => i);
const witnessSeed = Uint8Array.from({ length: 32 }, (_, i) => 32 + i);
const [log, witness] = [createSigner(logSeed), createSigner(witnessSeed)];
const peterSeed = base64ToBytes(goSumdb.skey.split('+').slice(4).join('+')).slice(1);
const peter = createNoteKey('PeterNeumann', createSigner(peterSeed).publicKey);
const reader = treeReader(rfc.leaves.map(({ inputHex }) => hexToBytes(inputHex)));
const text = checkpointToText(checkpointOf(8));
const message = `cosignature/v1\ntime 1700000000\n${text}`;

const derived: Record<string, () => unknown> = {
  'goSumdb.vkeys.0': () => noteKeyToVkey(peter),
  'goSumdb.vkeys.1': () => rewritten(goSumdb.vkeys[1]!),
  'goSumdb.skey': () => {
    const typed = concatBytes(Uint8Array.of(1), hexToBytes(goSumdb.peterSeedHex));
    return `PRIVATE+KEY+${peter.name}+${peter.id}+${bytesToBase64(typed)}`;
  },
  'goSumdb.peterSeedHex': () => bytesToHex(peterSeed),
  'goSumdb.peterPubHex': () => bytesToHex(peter.publicKey),
  'goSumdb.text': () => openNote(goSumdb.note, goSumdb.vkeys.map(vkeyToNoteKey)).text,
  'goSumdb.note': async () => {
    const signer = createSigner(peterSeed);
    const byPeter = await signNote(goSumdb.text, [{ name: 'PeterNeumann', signer }]);
    return byPeter + verifiedLine(goSumdb.note, vkeyToNoteKey(goSumdb.vkeys[1]!));
  },
  'c2spExample.vkey': () => rewritten(c2spExample.vkey),
  'c2spExample.note': () => {
    const key = vkeyToNoteKey(c2spExample.vkey);
    return `This is an example message.\n\n${verifiedLine(c2spExample.note, key)}`;
  },
  'own.logSeedHex': () => bytesToHex(logSeed),
  'own.witnessSeedHex': () => bytesToHex(witnessSeed),
  'own.logPubHex': () => bytesToHex(log.publicKey),
  'own.witnessPubHex': () => bytesToHex(witness.publicKey),
  'own.logVkey': () => noteKeyToVkey(createNoteKey(ORIGIN, log.publicKey)),
  'own.witnessVkey': () => noteKeyToVkey(createNoteKey(WITNESS, witness.publicKey, 'cosignature')),
  'own.checkpointBody': () => text,
  'own.logSignedBytesHex': () => bytesToHex(utf8ToBytes(text)),
  'own.cosignedMessage': () => message,
  'own.cosignedMessageHex': () => bytesToHex(utf8ToBytes(message)),
  'own.timestamp': () =>
    openNote(own.note, [createNoteKey(WITNESS, witness.publicKey, 'cosignature')]).signatures[0]!.time,
  'own.note': cosignedCheckpoint,
  'own.originSha256': () => createHash('sha256').update(ORIGIN).digest('hex'),
  ...Object.fromEntries(
    [0, 1, 6, 7, 8].map((size) => [`own.checkpoints.${size}`, () => signCheckpoint(checkpointOf(size), log)]),
  ),
  'own.addCheckpointRequests.0->6': async () =>
    addCheckpointToText({ oldSize: 0, proof: [], checkpoint: await signCheckpoint(checkpointOf(6), log) }),
  'own.addCheckpointRequests.6->8': async () =>
    addCheckpointToText({
      oldSize: 6,
      proof: await proveConsistency(6, 8, reader),
      checkpoint: await signCheckpoint(checkpointOf(8), log),
    }),
  'own.tlogProofLeaf5Size8': async () =>
    proofToText({
      index: 5,
      proof: await proveInclusion(5, 8, reader),
      checkpoint: await cosignedCheckpoint(),
    }),
  'sunlightCosignature.note': () => {
    const [body, lines] = sunlight.note.split('\n\n') as [string, string];
    const foreign = lines.slice(0, lines.indexOf('\n') + 1);
    const line = readCosignature(`${body}\n\n${foreign}`, lines, vkeyToNoteKey(sunlight.vkey));
    return `${body}\n\n${foreign}${line}`;
  },
  'sunlightCosignature.vkey': () => rewritten(sunlight.vkey),
  'sunlightCosignature.timestamp': () =>
    openNote(sunlight.note, [vkeyToNoteKey(sunlight.vkey)]).signatures[0]!.time,
};

const values = flatten(noteVectors);

test('no value of the vectors is left out', () => {
  expect(values.size).toBe(36);
  expect([...Object.keys(derived), ...PROVENANCE].sort()).toEqual([...values.keys()].sort());
});

test.each(Object.keys(derived))('%s', async (path) => {
  expect(await derived[path]!()).toEqual(values.get(path));
});

function checkpointOf(size: number): { origin: string; size: number; root: Uint8Array } {
  return { origin: ORIGIN, size, root: hexToBytes(rfc.roots[size]!.root) };
}

async function cosignedCheckpoint(): Promise<string> {
  const note = await signCheckpoint(checkpointOf(8), log);
  return mergeCosignatures(note, [await cosign(text, { name: WITNESS, signer: witness }, 1_700_000_000)]);
}

function rewritten(vkey: string): string {
  const { name, publicKey, algorithm } = vkeyToNoteKey(vkey);
  return noteKeyToVkey(createNoteKey(name, publicKey, algorithm));
}

/** The line of a key whose signature verifies. */
function verifiedLine(note: string, key: NoteKey): string {
  expect(openNote(note, [key]).signatures).toEqual([{ key }]);
  return `${note.split('\n').find((line) => line.startsWith(`— ${key.name} `))!}\n`;
}

function flatten(value: unknown, path = ''): Map<string, unknown> {
  if (typeof value !== 'object' || value === null) return new Map([[path, value]]);
  const deeper = Object.entries(value).map(([key, each]): Map<string, unknown> => {
    return flatten(each, path === '' ? key : `${path}.${key}`);
  });
  return new Map(deeper.flatMap((each) => [...each]));
}
