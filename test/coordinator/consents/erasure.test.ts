/** A subject who was erased: the log stays whole, and nothing in it can be linked to them any more. */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  canonicalBytes,
  concatBytes,
  createLog,
  createSigner,
  leafToEnvelope,
  sha256,
  utf8ToBytes,
  verifyCommitment,
} from '@twinkeep/audit';
import { CATEGORIES, CELL_EVENTS, LINE_STATES } from '@twinkeep/consent';
import { consentReceiptsSchema, randomBytes } from '@twinkeep/protocol';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConsentLedger } from '../../../coordinator/consents/ledger.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { createLogStore } from '../../../coordinator/store/log-store.ts';
import type { Db } from '../../../coordinator/store/schema.ts';
import { openVault, type Vault } from '../../../coordinator/store/vault.ts';
import { createDevice, createSubject, ORIGIN } from '../support/parties.ts';
import { createSpeaker, readHistory, send, speak, type Speaker } from '../support/speak.ts';
import { smallTask } from '../support/task.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let db: Db;
let vault: Vault;
beforeAll(async () => {
  world = await createWorld();
  db = openDatabase(world.databaseUrl, () => undefined);
  vault = await openVault(db, world.parties.vaultKey, randomBytes);
});
afterAll(async () => {
  await db.destroy();
  await world.stop();
});

async function person(): Promise<Speaker> {
  const who = await createSpeaker(world.parties, createSubject());
  await send(world.client, who, await speak(who, { type: 'grant' }));
  return who;
}

const erase = ({ subject }: Speaker): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await createLogStore(tx, 'lock-head').head();
    await vault.erase(tx, subject, Date.now());
  });

async function leaves(): Promise<Uint8Array[]> {
  const { rows } = await world.sql.query<{ leaf: Buffer }>('select leaf from log_leaves order by leaf_index');
  return rows.map(({ leaf }) => new Uint8Array(leaf));
}

describe('an erased subject', () => {
  it('leaves a log that verifies, and leaves that nothing opens; others are as they were', async () => {
    const [gone, kept] = [await person(), await person()];
    const withdrawal = await speak(gone, { type: 'withdraw' });
    const answer = await send(world.client, gone, withdrawal);
    const { receipts } = v.parse(consentReceiptsSchema, answer.body);
    const before = await leaves();
    await erase(gone);

    expect(await leaves()).toEqual(before);
    const signer = createSigner(base64UrlToBytes(world.parties.logKey.d));
    const log = createLog({ store: createLogStore(db), signer, origin: ORIGIN });
    expect(await log.fsck()).toMatchObject({ ok: true });
    // What the subject kept opens the leaf still: a receipt is theirs. What is left here does not.
    const { index, salt } = receipts[0]!;
    expect(verifyCommitment(before[index]!, withdrawal.jws, base64UrlToBytes(salt))).toBe(true);
    for (const table of ['vault', 'consent_events', 'consent_subjects', 'subject_keys', 'speakers']) {
      const { rows } = await world.sql.query<{ row: string }>(`select t::text as row from ${table} t`);
      expect(rows.length).toBeGreaterThan(0);
      for (const { row } of rows) expect(row).not.toContain(gone.subject);
    }
    expect((await readHistory(world.client, kept.device)).events).toHaveLength(1);
    expect((await readHistory(world.client, gone.device)).events).toEqual([]);
  });

  it('matches no leaf by any guess at subject, category and decision, nor by the whole event', async () => {
    const gone = await person();
    const no = await speak(gone, { type: 'withdraw' });
    await send(world.client, gone, no);
    await erase(gone);
    const { subject } = gone;
    const words = [...CELL_EVENTS, ...LINE_STATES];
    const guesses = CATEGORIES.flatMap((category) =>
      words.flatMap((decision) => [
        utf8ToBytes(`${subject}${category}${decision}`),
        utf8ToBytes(`${subject}|${category}|${decision}`),
        canonicalBytes({ subject, category, decision }),
        canonicalBytes([subject, category, decision]),
      ]),
    );
    guesses.push(utf8ToBytes(no.jws), canonicalBytes(no.jws), canonicalBytes(no.event), utf8ToBytes(subject));
    // Everything that is still in the database might be a salt.
    const { rows } = await world.sql.query<{ salt: Buffer }>(
      'select salt from statements union select sealed from vault union select wrapped from subject_keys',
    );
    const salts = [new Uint8Array(32), ...rows.map(({ salt }) => new Uint8Array(salt.subarray(0, 32)))];
    const hashes = new Set(
      guesses.flatMap((guess) =>
        [guess, ...salts.map((salt) => concatBytes(salt, guess))].map(
          (bytes) => `sha-256:${bytesToBase64Url(sha256(bytes))}`,
        ),
      ),
    );
    const all = await leaves();
    for (const leaf of all) expect(hashes.has(leafToEnvelope(leaf).commit)).toBe(false);
    expect(all.length).toBeGreaterThan(1);
  });

  it('is denied at the gates at once, also by a process that had the consent in memory', async () => {
    const gone = await person();
    const ledger = createConsentLedger(vault);
    const { categories, purpose } = smallTask();
    const question = { categories, purpose, sector: 'general' as const, operation: 'contribute' as const };
    const ask = (): Promise<unknown[]> =>
      ledger.judge(db, question, [{ members: [gone.subject], sub: gone.subject, jkt: 'any' }], Date.now());
    expect(await ask()).toEqual([null]);
    await erase(gone);
    expect(await ask()).toEqual(['never-asked']);
  });

  it('does not come back by what a forgotten device sends again, or an officer says', async () => {
    const gone = await person();
    const yes = await speak(gone, { type: 'grant' });
    await send(world.client, gone, yes);
    await erase(gone);
    const size = (await leaves()).length;
    for (const event of [yes, await speak(gone, { type: 'withdraw' }), await speak(gone, { type: 'grant' })])
      expect(await send(world.client, gone, event)).toMatchObject({ status: 410, code: 'consent/erased' });
    const officer = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
    const said = await world.client.sendAs(officer, {
      method: 'POST',
      path: `/v1/subjects/${gone.subject}/consents`,
      body: { type: 'withdraw', evidence: [{ kind: 'ticket', value: 'T-1' }] },
    });
    expect(said).toMatchObject({ code: 'consent/erased' });
    expect((await leaves()).length).toBe(size);
  });
});
