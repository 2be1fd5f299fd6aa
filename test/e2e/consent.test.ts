/**
 * Consent at work, with real processes: who refused never contributes, who withdraws is in no set fixed afterwards, and both are in the
 * log, as commitments that guessing cannot match and whose export anyone can verify.
 */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  canonicalBytes,
  concatBytes,
  leafToEnvelope,
  sha256,
  utf8ToBytes,
  verifyCommitment,
  verifyExport,
} from '@twinkeep/audit';
import { CATEGORIES } from '@twinkeep/consent';
import { randomBytes, verifyDetached } from '@twinkeep/protocol';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSecret } from '../../coordinator/config.ts';
import { readEventsOf } from '../../coordinator/store/consents.ts';
import { openDatabase } from '../../coordinator/store/database.ts';
import { openVault } from '../../coordinator/store/vault.ts';
import { commandScript } from '../../demo/programs.ts';
import { startRecordingProxy, type RecordingProxy } from '../support/recording-proxy.ts';
import { createWorld, randomSubjects, smallTask, type Reporter, type World } from '../support/world.ts';

const task = smallTask('consent', {
  rounds: 4,
  floors: { nMin: 2, nTarget: 3, minTwins: 2, maxTwins: 1000 },
});
const GRANTED = 8;
const REFUSED = 3;

describe('consent, end to end', () => {
  let world: World;
  let proxy: RecordingProxy;
  let reporters: Reporter[];

  beforeAll(async () => {
    proxy = await startRecordingProxy();
    world = await createWorld(3, (port) => {
      proxy.target = port;
      return proxy.url;
    });
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    await world.publish(task);
    const customers = Array.from({ length: GRANTED + REFUSED }, (_, i) => linesOf(i));
    await world.startNode(0, customers.flat(), task);
    reporters = await Promise.all([1, 2].map((i) => world.startReporter(i, randomSubjects(2), task)));
  });

  afterAll(async () => {
    await world.stop();
    proxy.close();
  });

  it('leaves out who refused, from the first round on', async () => {
    await release(1);
    const [first] = await world.untilEnded(task.taskId, 1, 100);
    expect(first).toMatchObject({ status: 'sealed', count: 3, twins: GRANTED + 4, dropped: [] });
  });

  it('drops a report whole whose twin withdraws before the set is fixed', async () => {
    await untilNodeReported(2);
    await world.runNode(0, ['withdraw', '--customer', 'customer-0', '--evidence', 'a test']);
    await untilLogged('consent', GRANTED + REFUSED + 4 + 1);
    await release(2);
    const [, second] = await world.untilEnded(task.taskId, 2, 100);
    expect(second).toMatchObject({ status: 'sealed', count: 2, twins: 4 });
    expect(second?.dropped).toEqual([{ reason: 'consent-withdrawn', count: 1 }]);
  });

  it('goes on without that twin afterwards', async () => {
    for (const round of [3, 4]) {
      await untilNodeReported(round);
      await release(round);
    }
    const later = (await world.untilEnded(task.taskId, 4, 100)).slice(2);
    expect(later.map(({ status, count, dropped }) => ({ status, count, dropped }))).toEqual(
      Array(2).fill({ status: 'sealed', count: 3, dropped: [] }),
    );
    for (const { twins } of later) expect(twins).toBe(GRANTED - 1 + 4);
    // Every set that holds the node's report was fixed at a size of the log that its withdrawal is part of.
    expect(later.every(({ consent }) => (consent?.size ?? 0) > 0)).toBe(true);
  });

  it('keeps the members of reports no longer than their round', async () => {
    const left = await query(
      'select count(*)::int as n from report_members join rounds using (rc_hash) where rounds.round <= 4',
    );
    expect(left).toEqual([{ n: 0 }]);
  });

  it('commits to consents so that no guess matches, even of someone who knows the whole event', async () => {
    const entries = await readEntries();
    expect(entries).toHaveLength(GRANTED + REFUSED + 4 + 1);
    const subjects = [...new Set(entries.map(({ subject }) => subject))];
    const guesses = guessedCommitments(
      subjects,
      entries.map(({ body }) => body),
    );
    for (const { leaf, body, salt } of entries) {
      expect(guesses.has(leafToEnvelope(leaf).commit)).toBe(false);
      expect(verifyCommitment(leaf, body, salt)).toBe(true);
    }
    // The guessing itself works: without a salt it would have matched.
    const unsalted = `sha-256:${bytesToBase64Url(sha256(canonicalBytes(entries[0]?.body)))}`;
    expect(guesses.has(unsalted)).toBe(true);
  });

  it('exports a log that the command line accepts, and that verifies with no byte changed', async () => {
    const exported = new Uint8Array(await (await fetch(`${world.url}/v1/log/export`)).arrayBuffer());
    const file = join(world.folder, 'log.ndjson');
    await writeFile(file, exported);
    const { vkey } = world.parties.trust.log;
    const run = spawnSync(
      process.execPath,
      [commandScript('twinkeep-audit'), 'verify', file, '--key', vkey],
      {
        encoding: 'utf8',
      },
    );
    expect(run.stdout + run.stderr).toContain('consent');
    expect(run.status).toBe(0);
    const verify = async (bytes: Uint8Array): Promise<boolean> => {
      async function* once(): AsyncGenerator<Uint8Array> {
        yield bytes;
      }
      return verifyExport(once(), { vkey, verify: verifyDetached }).then(
        () => true,
        () => false,
      );
    };
    expect(await verify(exported)).toBe(true);
    const accepted: number[] = [];
    for (let at = 0; at < exported.length; at++) {
      const changed = exported.slice();
      changed[at] = (changed[at] as number) ^ (1 << (at % 7));
      if (await verify(changed)) accepted.push(at);
    }
    expect(accepted).toEqual([]);
  }, 240_000);

  async function release(round: number): Promise<void> {
    for (const reporter of reporters) {
      await reporter.quantized(round);
      reporter.upload(round);
    }
  }

  /** The round closes at three reports, so the node's is in when one is there before the reporters send theirs. */
  async function untilNodeReported(round: number): Promise<void> {
    for (let i = 0; i < 600; i++) {
      const rows = await query<{ n: number }>(
        `select count(*)::int as n from reports r join rounds using (rc_hash) where rounds.round = ${round}`,
      );
      if (rows[0]?.n === 1) return;
      await pause(50);
    }
    throw new Error(`the node did not report in round ${round}`);
  }

  async function untilLogged(type: string, count: number): Promise<void> {
    for (let i = 0; i < 400; i++) {
      const rows = await query<{ leaf: Uint8Array }>('select leaf from log_leaves');
      if (rows.filter(({ leaf }) => leafToEnvelope(leaf).type === type).length >= count) return;
      await pause(50);
    }
    throw new Error(`the log never had ${count} entries of type ${type}`);
  }

  /** Every consent in the log with what opens its leaf, as whoever has database and vault key reads it. */
  async function readEntries(): Promise<
    { leaf: Uint8Array; body: string; salt: Uint8Array; subject: string }[]
  > {
    const db = openDatabase(world.databases.get('coordinator') ?? '', () => undefined);
    try {
      const key = await readSecret(join(world.folder, 'coordinator/vault.key'));
      const subjects = await query<{ subject: string }>('select subject from consent_subjects');
      const events = await readEventsOf(
        db,
        await openVault(db, key, randomBytes),
        subjects.map(({ subject }) => subject),
      );
      const leaves = await query<{ leaf: Uint8Array }>('select leaf from log_leaves order by leaf_index');
      return events.map((event) => ({ ...event, leaf: leaves[event.index]?.leaf ?? new Uint8Array() }));
    } finally {
      await db.destroy();
    }
  }

  async function query<Row extends object>(sql: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: world.databases.get('coordinator') ?? '' });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }
});

/** Subject x category x decision, and the whole events, hashed in the ways that a careless log would. */
function guessedCommitments(subjects: readonly string[], bodies: readonly string[]): Set<string> {
  const decisions = ['grant', 'granted', 'given', 'refuse', 'refused', 'withdraw', 'withdrawn'];
  const guesses = subjects.flatMap((subject) =>
    CATEGORIES.flatMap((category) =>
      decisions.flatMap((decision) => [
        utf8ToBytes(`${subject}${category}${decision}`),
        utf8ToBytes(`${subject}|${category}|${decision}`),
        canonicalBytes({ subject, category, decision }),
        canonicalBytes([subject, category, decision]),
      ]),
    ),
  );
  for (const body of bodies) guesses.push(utf8ToBytes(body), canonicalBytes(body));
  for (const subject of subjects) guesses.push(utf8ToBytes(subject), base64UrlToBytes(subject));
  const noSalt = new Uint8Array(32);
  return new Set(
    guesses.flatMap((guess) =>
      [guess, concatBytes(noSalt, guess), concatBytes(guess, noSalt)].map(
        (bytes) => `sha-256:${bytesToBase64Url(sha256(bytes))}`,
      ),
    ),
  );
}

function linesOf(i: number): object[] {
  const customer = `customer-${i}`;
  const at = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
  const event = (id: string, type: string, days: number, data: object): object => ({
    customer,
    event: { id, source: 'crm', type, time: at(days), category: 'transactional', data },
  });
  return [
    { customer, consent: i < GRANTED ? { granted: ['transactional'] } : { refused: true } },
    event('facts', 'attribute.set', 60, { a: i % 10, b: 3, c: 7 }),
    event('label', 'churn.observed', 20, { value: i % 2 }),
  ];
}
