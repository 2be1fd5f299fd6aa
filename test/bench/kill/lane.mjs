// One database with one append path after another, each killed; and what is looked at after each.
import { openCheckpoint, textToProof, verifyConsistency } from '@twinkeep/audit';
import { statementHash, thumbprint, verifyConsentReceipt, verifyDetached } from '@twinkeep/protocol';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../../coordinator/dist/config.js';
import { checkDatabase } from '../../../coordinator/dist/fsck/run.js';
import { createJournal } from '../../../coordinator/dist/log/journal.js';
import { openDatabase } from '../../../coordinator/dist/store/database.js';
import { migrate } from '../../../coordinator/dist/store/migrate.js';
import { createDevices, writeHouse } from '../log/parties.mjs';

const BATCHES = 4;
const REQUESTS = 3;

/** @param lives how often the append path will be started: so many devices are made */
export async function createLane({ folder, databaseUrl, lives, seed }) {
  const house = await writeHouse(mkdtempSync(join(folder, 'lane-')), databaseUrl);
  const config = await readConfig(house.configFile);
  const devices = await createDevices({
    ...house,
    seed,
    devices: Math.max(REQUESTS, lives),
    requests: lives * REQUESTS * BATCHES,
    perRequest: 1,
  });
  const senders = devices.map(({ key, jwt, sub, bodies }) => ({
    sender: {
      kid: key.id,
      jwt,
      credential: { sub, jkt: thumbprint(key.publicKey), maxTwins: 1, scope: 'device', exp: 4e9 },
    },
    bodies,
    /** The next to be sent; it may be in the log already. */
    next: 0,
  }));
  let url = databaseUrl;
  let db = openDatabase(url, () => undefined);
  await migrate(db);
  const journal = createJournal({
    signer: { publicKey: new Uint8Array(32), sign: () => Promise.reject(new Error('reads only')) },
    origin: 'none',
    random: () => new Uint8Array(),
    witnesses: null,
  });
  const lane = {
    house,
    config,
    senders,
    journal,
    acknowledged: new Map(),
    statements: new Set(),
    places: new Map(),
  };
  let standby = startChild(house.configFile);

  return {
    lane,
    /** Another server has taken over the same data. */
    async moveTo(newUrl) {
      await db.destroy();
      url = newUrl;
      db = openDatabase(url, () => undefined);
    },
    /** One life. @param end dies by itself, or is killed from outside: `(child) => Promise` */
    async live(kill, end = () => Promise.resolve()) {
      const child = await standby;
      standby = startChild(house.configFile);
      const said = readSaid(child);
      const exited = once(child, 'exit');
      child.send({ databaseUrl: url, batches: nextBatches(senders), kill });
      await end(child);
      const [code, signal] = await exited;
      takeNote(lane, await said);
      return { code, signal };
    },
    check: () => check(db, lane),
    async stop() {
      (await standby).kill('SIGKILL');
      await db.destroy();
    },
  };
}

async function startChild(configFile) {
  const child = fork(join(import.meta.dirname, 'child.mjs'), [configFile], {
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (message?.type !== 'ready') throw new Error('an append path did not start');
  return child;
}

/** Whole lines; the last one may have been cut off, and says nothing then. */
async function readSaid(child) {
  const chunks = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  return Buffer.concat(chunks)
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** Devices with something to send, a few at a time; each sends the next when the last was acknowledged. */
function nextBatches(senders) {
  const ready = senders.filter(({ next, bodies }) => next < bodies.length).slice(0, REQUESTS * BATCHES);
  return Array.from({ length: Math.ceil(ready.length / REQUESTS) }, (_, i) =>
    ready
      .slice(i * REQUESTS, (i + 1) * REQUESTS)
      .map(({ sender, bodies, next }) => ({ sender, events: bodies[next] })),
  );
}

function takeNote(lane, said) {
  for (const { events, receipts, statement, diedAt } of said) {
    if (diedAt !== undefined) lane.places.set(diedAt, (lane.places.get(diedAt) ?? 0) + 1);
    if (statement !== undefined)
      lane.statements.add(Buffer.from(statementHash(statement)).toString('base64url'));
    if (receipts === undefined) continue;
    const sender = lane.senders.find(({ bodies, next }) => bodies[next]?.[0] === events[0]);
    sender.next++;
    receipts.forEach((receipt, i) =>
      lane.acknowledged.set(receipt.event, { receipt, jws: events[i], isNew: true }),
    );
  }
}

/** Everything that was ever acknowledged is in the log where the receipt says, and the log is whole. */
async function check(db, { config, journal, acknowledged, statements }) {
  const diagnosis = await checkDatabase(db, config);
  if (!diagnosis.ok) throw new Error(`fsck: ${JSON.stringify(diagnosis.findings.slice(0, 5))}`);
  if (diagnosis.leaves.erased > 0) throw new Error('a consent is in the log and not in the vault');
  const { vkey } = config.trust.log;
  const rows = await db
    .selectFrom('consent_events as e')
    .innerJoin('log_leaves as l', 'l.leaf_index', 'e.leaf_index')
    .select(['e.event_id', 'l.leaf_index', 'l.leaf'])
    .execute();
  const stored = new Map(rows.map((row) => [row.event_id, row]));
  const log = journal.read(db);
  const head = await log.head();
  for (const [event, entry] of acknowledged) {
    const { receipt, jws, isNew } = entry;
    const row = stored.get(event);
    if (row?.leaf_index !== receipt.index || Buffer.from(row.leaf).toString('base64url') !== receipt.leaf)
      throw new Error(`an acknowledged event is not at ${receipt.index}`);
    if (!isNew) continue;
    verifyConsentReceipt(receipt, jws, vkey, verifyDetached);
    const { size, root } = openCheckpoint(textToProof(receipt.proof).checkpoint, vkey);
    const { proof } = size === head.size ? { proof: [] } : await log.consistencyProof(size, head.size);
    const claim = { size1: size, root1: root, size2: head.size, root2: head.root, proof };
    if (!verifyConsistency(claim)) throw new Error(`the log is no continuation of what stood at ${size}`);
    entry.isNew = false;
  }
  const named = new Set((await db.selectFrom('statements').select('hash').execute()).map(({ hash }) => hash));
  for (const hash of statements)
    if (!named.has(hash)) throw new Error('an acknowledged statement is missing');
  return { size: diagnosis.size, acknowledged: acknowledged.size + statements.size };
}
