/** What the round service works with: stores, keys, clock and randomness, all passed in. */
import type { Random, SigningKey, Trust } from '@twinkeep/protocol';
import type { ConsentLedger } from '../consents/ledger.ts';
import type { Journal } from '../log/journal.ts';
import type { Statements } from '../log/statements.ts';
import type { Registry } from '../models/registry.ts';
import type { Db } from '../store/schema.ts';
import type { RunTx } from '../store/tx.ts';
import type { Vault } from '../store/vault.ts';

export interface RoundDeps {
  db: Db;
  runTx: RunTx;
  journal: Journal;
  statements: Statements;
  registry: Registry;
  ledger: ConsentLedger;
  vault: Vault;
  trust: Trust;
  /** Signs tasks, round configurations, set commits and results. */
  key: SigningKey;
  /** Milliseconds since 1970. */
  clock: () => number;
  random: Random;
}
