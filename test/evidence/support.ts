/** A coordinator with two sealed rounds behind it, an officer who asks for evidence, and a liar who holds the coordinator's own keys. */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  bytesToUtf8,
  canonicalJson,
  concatBytes,
  createLeaf,
  createLog,
  createSigner,
  leafToEnvelope,
  sha256,
  utf8ToBytes,
} from '@twinkeep/audit';
import { readPack } from '@twinkeep/auditor';
import {
  EVIDENCE_PATH,
  evidenceSections,
  importSigningKey,
  randomBytes,
  signStatement,
  type ConsentReceipt,
  type EvidenceEntry,
  type EvidenceManifest,
  type EvidenceRecords,
  type EvidenceTarget,
  type Statement,
} from '@twinkeep/protocol';
import { createMemoryLogState, createMemoryLogStore } from '../support/memory-log-store.ts';
import type { Answer } from '../coordinator/support/client.ts';
import { consentOf, type TestNode } from '../coordinator/support/node.ts';
import { createDevice, ORIGIN, type Device } from '../coordinator/support/parties.ts';
import { smallTask } from '../coordinator/support/task.ts';
import { createRoundWorld, mustSucceed, reportOf, type World } from '../coordinator/support/world.ts';

export interface EvidenceWorld {
  world: World;
  nodes: TestNode[];
  /** Speaks for itself, with a device of its own. */
  person: TestNode;
  officer: Device;
  /** Hashes of the configurations of rounds 1 and 2, and the model after both. */
  rounds: [string, string];
  model: string;
  /** Withdrew after its node had reported in round 2: that report was left out. */
  withdrawn: { subject: string; jws: string; receipt: ConsentReceipt };
  ask(target: EvidenceTarget, reason?: string): Promise<Answer>;
  /** The pack itself. */
  take(target: EvidenceTarget): Promise<Uint8Array>;
}

/** Four nodes of 2, 3, 4 and 3 twins, and a person's own device beside them. */
export async function createEvidenceWorld(): Promise<EvidenceWorld> {
  const task = smallTask({ floors: { ...smallTask().floors, nTarget: 5 } });
  const { world, nodes } = await createRoundWorld(task, [2, 3, 4, 3]);
  const officer = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
  const device = await createDevice(world.parties, { maxTwins: 1 });
  const person: TestNode = {
    device,
    party: 'https://own.test',
    twins: [device.sub],
    events: new Map(),
  };
  await world.sendConsents(person, [(await consentOf(person, device.sub, 'grant', { by: 'subject' })).jws]);
  const reporters = [...nodes, person];
  const first = await world.openRound(task.taskId, 1);
  for (const node of reporters)
    mustSucceed(await world.upload(node, first, await reportOf(node, first.config, first.rcHash)));
  await world.helpersJudge();
  await world.helpersReveal();

  const second = await world.openRound(task.taskId, 2);
  for (const node of reporters)
    mustSucceed(await world.upload(node, second, await reportOf(node, second.config, second.rcHash)));
  const last = nodes[3] as TestNode;
  const subject = last.twins[1] as string;
  const { jws } = await consentOf(last, subject, 'withdraw');
  const [receipt] = (await world.sendConsents(last, [jws])).receipts;
  await world.helpersJudge();
  await world.helpersReveal();
  const { lastResult } = await world.offer(task.taskId);
  const ask: EvidenceWorld['ask'] = (target, reason = 'a test asks') =>
    world.client.sendAs(officer, { method: 'POST', path: EVIDENCE_PATH, body: { target, reason } });
  return {
    world,
    nodes,
    person,
    officer,
    rounds: [first.rcHash, second.rcHash],
    model: lastResult!.statement.body.modelOut,
    withdrawn: { subject, jws, receipt: receipt as ConsentReceipt },
    ask,
    take: async (target) => {
      const answer = await ask(target);
      mustSucceed(answer);
      return answer.body as Uint8Array;
    },
  };
}

export interface Lie {
  records: EvidenceRecords;
  /** The body of the one statement of this type, to be changed; it is signed and logged again as the liar wants it. */
  body<T>(type: string): T;
  /** The entry of the one statement of this type. */
  entry(type: string): EvidenceEntry;
  target: EvidenceTarget;
}

/**
 * What a coordinator can do that lies in its own pack: everything it has the keys for. Statements are signed again, the log is written again
 * from its first leaf with whatever was changed, and the manifest is true to all of it.
 */
export async function lie(
  { world }: EvidenceWorld,
  pack: Uint8Array,
  change: (lie: Lie) => void | Promise<void>,
): Promise<Uint8Array> {
  const { manifest, records } = readPack(pack, world.parties.trust.coordinator.key);
  const key = await importSigningKey(world.parties.key);
  const entry = (type: string): EvidenceEntry => {
    const [found, ...rest] = records.entries.filter(
      ({ body }) => typeof body !== 'string' && body.type === type,
    );
    if (found === undefined || rest.length > 0) throw new Error(`not one ${type}`);
    return found;
  };
  const told: Lie = {
    records,
    entry,
    body: <T>(type: string) => (entry(type).body as Statement<T>).body,
    target: manifest.target,
  };
  const before = new Map(records.entries.map(({ index, body }) => [index, canonicalJson(body)]));
  await change(told);
  const { rows } = await world.sql.query<{ leaf: Buffer }>('select leaf from log_leaves order by leaf_index');
  const leaves: Uint8Array[] = rows.map(({ leaf }) => new Uint8Array(leaf));
  for (const each of records.entries) {
    if (before.get(each.index) === canonicalJson(each.body)) continue;
    if (typeof each.body !== 'string') {
      const { type, body, signatures } = each.body as Statement<unknown>;
      const again = await signStatement(type, body, key);
      // Others' signatures the liar cannot make again.
      const others = signatures.filter(({ kid }) => kid !== key.id);
      each.body = { ...again, signatures: [...again.signatures, ...others] };
    }
    const { type, at } = leafToEnvelope(base64UrlToBytes(each.leaf));
    const salt = randomBytes(32);
    const { leaf } = createLeaf({ type, at: new Date(at), body: each.body, salt });
    leaves[each.index] = leaf;
    each.leaf = bytesToBase64Url(leaf);
    each.salt = bytesToBase64Url(salt);
  }
  const signer = createSigner(base64UrlToBytes(world.parties.logKey.d));
  const log = createLog({ store: createMemoryLogStore(createMemoryLogState()), signer, origin: ORIGIN });
  const { head } = await log.append(leaves);
  records.entries.sort((a, b) => a.index - b.index);
  for (const each of records.entries)
    each.proof = (await log.inclusionProof(each.index)).proof.map(bytesToBase64Url);
  return sealPack({ ...told, records: { ...records, checkpoint: { note: head.note } } }, manifest, key);
}

/** The records in the form of a pack, with a manifest that is true to them. */
export async function sealPack(
  { records, target }: Pick<Lie, 'records' | 'target'>,
  manifest: EvidenceManifest,
  key: Parameters<typeof signStatement>[2],
): Promise<Uint8Array> {
  const sections = evidenceSections(records);
  const body: EvidenceManifest = { ...manifest, target, sections: sections.map(({ section }) => section) };
  const signed = await signStatement('evidence', body, key);
  return utf8ToBytes([`${canonicalJson(signed)}\n`, ...sections.map(({ text }) => text)].join(''));
}

/** One byte changed, and the manifest signed again over it: only what other keys and the log bind can show it. */
export async function changeAndReseal(
  { world }: EvidenceWorld,
  pack: Uint8Array,
  change: (bytes: Uint8Array, start: number) => void,
): Promise<Uint8Array> {
  const key = await importSigningKey(world.parties.key);
  const bytes = pack.slice();
  const start = bytes.indexOf(0x0a) + 1;
  change(bytes, start);
  const { body } = JSON.parse(bytesToUtf8(bytes.subarray(0, start - 1))) as Statement<EvidenceManifest>;
  const lines = splitLines(bytes.subarray(start));
  let at = 0;
  const sections = body.sections.map(({ name, lines: count }) => {
    const own = lines.slice(at, at + count);
    at += count;
    return { name, lines: own.length, hash: bytesToBase64Url(sha256(concatBytes(...own))) };
  });
  const signed = await signStatement('evidence', { ...body, sections }, key);
  return concatBytes(utf8ToBytes(`${canonicalJson(signed)}\n`), bytes.subarray(start));
}

function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    const next = end < 0 ? bytes.length : end + 1;
    lines.push(bytes.subarray(at, next));
    at = next;
  }
  return lines;
}
