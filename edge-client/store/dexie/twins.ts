/**
 * Twins as the other files of this folder work on them: a row as it stands, its cipher, and its chain of consents. What was opened
 * once stays in memory for as long as the row names the same chain; the consent gate is told at each reading.
 */
import { bytesToUtf8, utf8ToBytes } from '@twinkeep/audit';
import { CATEGORIES, decide, SECTORS, type Category } from '@twinkeep/consent';
import type { ConsentReceipt } from '@twinkeep/protocol';
import { readConsentChain } from '../../consent-chain.ts';
import { StoreError } from '../errors.ts';
import type { ConsentEntry, SignedConsentEntry } from '../port.ts';
import { openSecret, type Cipher, type Place } from './cipher.ts';
import type { ConsentGate } from './gate.ts';
import type { StoreKeys } from './keys.ts';
import type { ConsentRow, StoreDatabase, TwinRow } from './schema.ts';

export interface StoreContext {
  db: StoreDatabase;
  crypto: Crypto;
  keys: StoreKeys;
  gate: ConsentGate;
  twins: TwinReader;
  /** Milliseconds since 1970. */
  clock: () => number;
  rule: CollectRule;
}

/** Which categories a chain of consents lets the store keep, at a time in milliseconds since 1970. */
export type CollectRule = (
  subject: string,
  chain: readonly ConsentEntry[],
) => (now: number) => ReadonlySet<Category>;

export interface OpenTwin {
  subject: string;
  row: TwinRow;
  cipher: Cipher;
  /** Shared with later readers; not to be changed. */
  chain: readonly ConsentEntry[];
  allowed: (now: number) => ReadonlySet<Category>;
}

export interface TwinReader {
  find(subject: string): Promise<OpenTwin | null>;
  /** @throws StoreError 'store/unknown-twin' */
  get(subject: string): Promise<OpenTwin>;
  all(): Promise<OpenTwin[]>;
  subjectOf(row: TwinRow): Promise<string>;
  forget(twin: string): void;
}

/** Where a position in a chain is sealed together with the consent that stands there. */
export type PlacedConsent = SignedConsentEntry & { position: number };

/** Any use will do: `admit` asks for the one at hand, and the store only knows that somebody may keep it. */
export const collectRule: CollectRule = (subject, chain) => {
  const { signed } = readConsentChain(chain);
  const uses = [...signed.cells.keys()].flatMap((purpose) => SECTORS.map((sector) => ({ purpose, sector })));
  return (now) =>
    new Set(
      CATEGORIES.filter((category) => {
        const categories = { required: [category], optional: [] };
        return uses.some(
          (use) => decide({ ...use, subject, categories, operation: 'collect' }, signed, now).allow,
        );
      }),
    );
};

export function createTwinReader({ db, crypto, keys, gate, rule }: Omit<StoreContext, 'twins'>): TwinReader {
  const opened = new Map<string, KnownTwin>();
  const subjects = new Map<string, string>();

  const subjectOf = async (row: TwinRow): Promise<string> => {
    const known = subjects.get(row.id);
    if (known !== undefined) return known;
    const subject = bytesToUtf8(await keys.cipher.open(placeOfSubject(row.id), row.sealed));
    subjects.set(row.id, subject);
    return subject;
  };

  /** In a transaction: what was opened before, or the rows of the chain in force. */
  const read = async (row: TwinRow): Promise<Found> => {
    const known = opened.get(row.id);
    return known?.consents === row.consents
      ? { row, known }
      : { row, rows: await db.consent.where('twin').equals(row.id).toArray() };
  };

  const open = async (found: Found): Promise<OpenTwin> => {
    const { row } = found;
    if ('known' in found) return { ...found.known, row };
    const subject = await subjectOf(row);
    const cipher = opened.get(row.id)?.cipher ?? (await openSecret(crypto, keys.root, row.wrapped, row.id));
    const chain = await openChain(cipher, found.rows);
    if ((await tagChain(cipher, chain)) !== row.consents)
      throw new StoreError('store/unreadable', 'a chain of consents is not whole');
    const twin = { subject, cipher, chain, allowed: rule(subject, chain), consents: row.consents };
    opened.set(row.id, twin);
    gate.know(row.id, { consents: row.consents, categories: cipher.categories, allowed: twin.allowed });
    return { ...twin, row };
  };

  const find: TwinReader['find'] = async (subject) => {
    const tag = await keys.cipher.tag('subject', subject);
    const found = await db.transaction('r', db.twin, db.consent, async () => {
      const row = await db.twin.where('tag').equals(tag).first();
      return row === undefined ? null : read(row);
    });
    return found === null ? null : open(found);
  };

  return {
    find,
    async get(subject) {
      const twin = await find(subject);
      if (twin === null) throw new StoreError('store/unknown-twin', 'there is no such twin');
      return twin;
    },
    async all() {
      const found = await db.transaction('r', db.twin, db.consent, async () => {
        const all: Found[] = [];
        for (const row of await db.twin.toArray()) all.push(await read(row));
        return all;
      });
      return Promise.all(found.map(open));
    },
    subjectOf,
    forget(twin) {
      opened.delete(twin);
      subjects.delete(twin);
      gate.forget(twin);
    },
  };
}

/** What is kept in memory: all but the row, which is read each time. */
type KnownTwin = Omit<OpenTwin, 'row'> & { consents: string };

type Found = { row: TwinRow } & ({ known: KnownTwin } | { rows: ConsentRow[] });

/** Stands for a chain as it is; a withdrawal that somebody took out of the database is missed by it. */
export function tagChain(cipher: Cipher, chain: readonly ConsentEntry[]): Promise<string> {
  return cipher.tag('chain', ...chain.flatMap(({ id, receipt }) => [id, receipt?.index ?? -1]));
}

export function placeOfSubject(twin: string): Place {
  return { table: 'twin', twin, row: twin };
}

export function placeOfConsent(twin: string, row: string): Place {
  return { table: 'consent', twin, row };
}

export function placeOfReceipt(twin: string, row: string): Place {
  return { table: 'receipt', twin, row };
}

export function jsonToBytes(value: unknown): Uint8Array {
  return utf8ToBytes(JSON.stringify(value));
}

/** Reads what this store sealed itself, so the shape is known. */
export function bytesToJson<T>(bytes: Uint8Array): T {
  return JSON.parse(bytesToUtf8(bytes)) as T;
}

async function openChain(cipher: Cipher, rows: readonly ConsentRow[]): Promise<ConsentEntry[]> {
  const placed = await Promise.all(
    rows.map(async ({ id, twin, sealed, receipt }) => {
      const { position, ...consent } = bytesToJson<PlacedConsent>(
        await cipher.open(placeOfConsent(twin, id), sealed),
      );
      const known = receipt === undefined ? null : await cipher.open(placeOfReceipt(twin, id), receipt);
      const entry: ConsentEntry = {
        ...consent,
        receipt: known === null ? null : bytesToJson<Omit<ConsentReceipt, 'event'>>(known),
      };
      return { position, entry };
    }),
  );
  return placed.sort((a, b) => a.position - b.position).map(({ entry }) => entry);
}
