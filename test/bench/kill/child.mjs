// A coordinator's append path without its HTTP server, appending in a loop until it dies. What it acknowledges, it writes to its standard
// output in one call before it goes on: what stands there was said, whatever comes after.
import { createNoteKey, vkeyToNoteKey } from '@twinkeep/audit';
import { importSigningKey, randomBytes, signStatement, sodiumReady } from '@twinkeep/protocol';
import { writeSync } from 'node:fs';
import pg from 'pg';
import { readConfig } from '../../../coordinator/dist/config.js';
import { createConsentIntake } from '../../../coordinator/dist/consents/intake.js';
import { createConsentLedger } from '../../../coordinator/dist/consents/ledger.js';
import { createJournal } from '../../../coordinator/dist/log/journal.js';
import { openDatabase } from '../../../coordinator/dist/store/database.js';
import { createRunTx } from '../../../coordinator/dist/store/tx.js';
import { openVault } from '../../../coordinator/dist/store/vault.js';

const [configFile] = process.argv.slice(2);
const config = await readConfig(configFile);
await sodiumReady;
const signer = await importSigningKey(config.logKey);
const key = await importSigningKey(config.key);
const { name: origin } = vkeyToNoteKey(config.trust.log.vkey);
if (createNoteKey(origin, signer.publicKey).name !== origin) throw new Error('not the key of this log');

process.once('message', (job) => {
  run(job).then(
    () => process.exit(0),
    (error) => {
      // A database that is gone: not acknowledged, and so for whoever comes next to find out.
      writeSync(2, `${error.code ?? error.name}\n`);
      process.exit(3);
    },
  );
});
process.once('disconnect', () => process.exit(1));
process.send({ type: 'ready' });

/** @param batches requests that are sent together, batch after batch; @param kill where to die, null: not by itself */
async function run({ databaseUrl, batches, kill }) {
  const db = openDatabase(databaseUrl, () => undefined);
  const vault = await openVault(db, config.vaultKey, randomBytes);
  const journal = createJournal({ signer, origin, random: randomBytes, witnesses: null });
  const runTx = createRunTx({ db, onRetry: () => undefined });
  const ledger = createConsentLedger(vault);
  const take = createConsentIntake({
    db,
    runTx,
    journal,
    ledger,
    vault,
    clock: Date.now,
    random: randomBytes,
  });
  if (kill !== null) dieAt(kill);
  for (const [turn, requests] of batches.entries()) {
    await Promise.all(
      requests.map(async ({ events, sender }) => {
        const { receipts } = await take(events, sender);
        acknowledge({ events, receipts });
      }),
    );
    if (turn % 2 === 1) {
      const statement = await signStatement(
        'task',
        { nonce: Buffer.from(randomBytes(16)).toString('hex') },
        key,
      );
      await runTx('publish', (tx) => journal.publish(tx, [statement], Date.now()));
      acknowledge({ statement });
    }
  }
  await db.destroy();
}

function acknowledge(said) {
  writeSync(1, `${JSON.stringify(said)}\n`);
}

/** Before the n-th statement is sent, as soon as it is sent, or when its answer has come. */
function dieAt({ statement, moment }) {
  const { query } = pg.Client.prototype;
  let count = 0;
  const die = (text) => {
    writeSync(1, `${JSON.stringify({ diedAt: `${moment} ${nameOf(text)}` })}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
  pg.Client.prototype.query = function (text, ...rest) {
    // The pool's own look at a new connection is no statement of ours.
    if (++count !== statement) return query.call(this, text, ...rest);
    if (moment === 'before') die(text);
    const answer = query.call(this, text, ...rest);
    if (moment === 'sent') setImmediate(() => die(text));
    else void Promise.resolve(answer).then(() => die(text));
    return answer;
  };
}

/** The statement without its values: what it does to which table. */
function nameOf(text) {
  const sql = (typeof text === 'string' ? text : text.text)
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll('"', '');
  return sql.replaceAll(/\$\d+/g, '?').slice(0, 60);
}
