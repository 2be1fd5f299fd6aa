/**
 * Random histories of consents through a store of twins and its gates: each step is appended as a device signs it or hears of it, gets its
 * receipt then or with the next one, and at each step what is kept (G0) and what may be lent to a round (G1) is what the pure fold says.
 */
import { bytesToBase64Url, canonicalBytes, createLeaf } from '@twinkeep/audit';
import {
  consentEventId,
  decide,
  foldConsents,
  NO_CONSENT,
  SECTORS,
  type Category,
  type ConsentState,
  type LoggedConsent,
} from '@twinkeep/consent';
import {
  askContribution,
  planOf,
  readConsentChain,
  recordEvents,
  refoldTwin,
  type ConsentReadings,
  type TwinStore,
} from '@twinkeep/edge-client/fleet';
import { randomBytes, type ConsentReceipt, type CustomerEvent, type TaskSpec } from '@twinkeep/protocol';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  CATEGORIES_ASKED,
  history,
  NARROWING,
  PURPOSES_ASKED,
  questionsOf,
  type History,
} from '../consent/histories.ts';
import type { Scenario } from '../consent/history-events.ts';
import { smallTask } from '../coordinator/support/task.ts';
import { keptIds } from './twin-store-fixtures.ts';

export interface KeeperSetup {
  store: TwinStore;
  /** Another process or tab on the same storage, with memories of its own. */
  other: TwinStore;
  /** What the store itself lets anybody read: those that have a gate of their own below every query. */
  readEvents: ((subject: string) => Promise<CustomerEvent[]>) | null;
  close(): Promise<void>;
}

const DAY = 86_400_000;
const RETENTION = 4_000;
const retentionDays: Readonly<Record<Category, number>> = {
  behavioral: RETENTION,
  transactional: RETENTION,
  interaction: RETENTION,
  contextual: RETENTION,
  third_party_enrichment: RETENTION,
  feedback: RETENTION,
  psychographic: RETENTION,
};

export function consentHistoriesContract(
  name: string,
  count: number,
  setup: (clock: () => number) => Promise<KeeperSetup>,
): void {
  it(
    `random histories decide in ${name} as the fold does, ${count} of them`,
    async () => {
      let now = 0;
      const keeper = await setup(() => now);
      const tally = { events: 0, kept: 0, lent: 0, taken: 0 };
      const setClock = (at: number): void => void (now = at);
      try {
        for (const told of fc.sample(history, { numRuns: count, seed: 1 }).map(tell))
          await runHistory(keeper, told, setClock, tally);
      } finally {
        await keeper.close();
      }
      console.log(`consent: ${count} histories through ${name}: ${JSON.stringify(tally)}`);
      // Nothing is shown by histories in which everything is denied, or nothing is ever taken back.
      for (const each of [tally.kept, tally.lent, tally.taken]) expect(each).toBeGreaterThan(count / 4);
    },
    30_000 + 200 * count,
  );
}

interface Told {
  subject: string;
  scenario: Scenario;
  log: (LoggedConsent & { jws: string; receipt: ConsentReceipt })[];
}

interface Tally {
  events: number;
  /** Events of the twin that got in; answers of G1 that allow; events that a consent event took along. */
  kept: number;
  lent: number;
  taken: number;
}

/** Of a subject of its own, and in the form that a chain has: signatures are checked before a store sees an event. */
function tell({ scenario, log }: History): Told {
  const subject = bytesToBase64Url(randomBytes(16));
  const ids = new Map<string, string>();
  const renamed = (id: string): string => ids.get(id) as string;
  const moved = log.map(({ id, event, index, receivedAt }) => {
    const own = {
      ...event,
      subject,
      prev: event.prev === null ? null : renamed(event.prev),
      ...(event.merges === undefined ? {} : { merges: event.merges.map(renamed) }),
      // Whoever lets a sum have their share lets the device train for it; who takes the one back may leave the other.
      grants: event.grants.map((line) =>
        line.operations.includes('contribute') && !NARROWING.includes(event.event.type)
          ? { ...line, operations: [...line.operations, 'train_local' as const] }
          : line,
      ),
    };
    const jws = `h.${bytesToBase64Url(canonicalBytes(own))}.s`;
    ids.set(id, consentEventId(jws));
    return {
      id: renamed(id),
      event: own,
      index,
      receivedAt,
      jws,
      receipt: receiptOf(jws, index, receivedAt),
    };
  });
  return { subject, scenario, log: moved };
}

function receiptOf(jws: string, index: number, receivedAt: number): ConsentReceipt {
  const salt = randomBytes(32);
  const { leaf } = createLeaf({ type: 'consent', at: new Date(receivedAt), body: jws, salt });
  const [leafText, saltText] = [bytesToBase64Url(leaf), bytesToBase64Url(salt)];
  return { event: consentEventId(jws), index, leaf: leafText, salt: saltText, proof: 'a proof' };
}

async function runHistory(
  keeper: KeeperSetup,
  { subject, scenario, log }: Told,
  setClock: (at: number) => void,
  tally: Tally,
): Promise<void> {
  const { store, other, readEvents } = keeper;
  await store.addTwin(subject, []);
  const uses = PURPOSES_ASKED.map((purpose) => ({ purpose, sector: scenario.sector }));
  const tasks = tasksOf(scenario);
  const policy = { uses, retentionDays };
  let kept: CustomerEvent[] = [];
  let [logged, signed] = [0, 0];
  const check = async (now: number, writer: TwinStore): Promise<void> => {
    const expected = {
      logged: foldConsents(log.slice(0, logged)),
      signed: foldConsents(log.slice(0, signed)),
    };
    const deps = { store: writer, plan: planOf(tasks), policy, clock: () => now };
    setClock(now);
    if (readEvents !== null) {
      const left = kept.filter(({ category }) => mayKeep(expected.signed, subject, category, now));
      expect(idsOf(await readEvents(subject))).toEqual(idsOf(left));
    }
    await refoldTwin(deps, subject);
    const left = kept.filter(({ category }) => mayCollect(expected.signed, subject, category, scenario, now));
    expect(await keptIds(other, subject)).toEqual(idsOf(left));
    tally.taken += kept.length - left.length;
    const offered = CATEGORIES_ASKED.map((category) => eventOf(category, now));
    const allowed = offered.filter(({ category }) =>
      mayCollect(expected.signed, subject, category, scenario, now),
    );
    expect((await recordEvents(deps, subject, offered)).fresh).toBe(allowed.length);
    kept = [...left, ...allowed];
    tally.kept += allowed.length;
    tally.lent += await requireReadings(other, subject, expected, { scenario, tasks, now });
  };

  for (const [n, { id, jws, receivedAt }] of log.entries()) {
    const writer = n % 2 === 0 ? store : other;
    setClock(receivedAt);
    await writer.appendConsents(subject, signed++, [{ id, jws }]);
    await check(receivedAt, writer);
    if (n % 3 === 1 && n + 1 < log.length) continue;
    await writer.addReceipts(log.slice(logged, signed).map(({ receipt }) => receipt));
    logged = signed;
    await requireReadings(store, subject, allOf(log.slice(0, signed)), { scenario, tasks, now: receivedAt });
  }
  const end = (log.at(-1)?.receivedAt ?? 0) + 40 * DAY;
  await check(end, other);
  const [twin] = await other.readTwins([subject]);
  expect(readConsentChain(twin!.consents).signed).toEqual(foldConsents(log.map(asLogged)));
  tally.events += log.length;
  await store.deleteTwin(subject);
}

interface Asked {
  scenario: Scenario;
  tasks: readonly TaskSpec[];
  now: number;
}

/** G1, and every question to both readings of the chain. @returns how many tasks may have this twin */
async function requireReadings(
  store: TwinStore,
  subject: string,
  expected: ConsentReadings,
  { scenario, tasks, now }: Asked,
): Promise<number> {
  const [twin] = await store.readTwins([subject]);
  const readings = readConsentChain(twin!.consents);
  for (const at of [now, now + 15 * DAY]) {
    const reasons = (state: ConsentState): string[] =>
      questionsOf(scenario).map((question) => decide({ ...question, subject }, state, at).reason);
    expect(reasons(readings.logged)).toEqual(reasons(expected.logged));
    expect(reasons(readings.signed)).toEqual(reasons(expected.signed));
  }
  const terms = { cohort: 100, now, until: now + DAY };
  let lent = 0;
  for (const task of tasks) {
    const answer = askContribution(task, subject, readings, terms);
    expect(answer).toEqual(askContribution(task, subject, expected, terms));
    if ('denied' in answer) continue;
    // No twin is lent that the log says is not to be.
    const { purpose, sector, categories } = task;
    const question = { subject, purpose, sector, categories, operation: 'contribute', cohort: 100 } as const;
    expect(decide(question, expected.logged, now).allow).toBe(true);
    expect(decide(question, expected.signed, terms.until).allow).toBe(true);
    lent++;
  }
  return lent;
}

function allOf(log: readonly LoggedConsent[]): ConsentReadings {
  const state = log.length === 0 ? NO_CONSENT : foldConsents(log);
  return { logged: state, signed: state };
}

function asLogged({ id, event, index, receivedAt }: LoggedConsent): LoggedConsent {
  return { id, event, index, receivedAt };
}

function tasksOf({ sector }: Scenario): TaskSpec[] {
  return PURPOSES_ASKED.flatMap((purpose) =>
    CATEGORIES_ASKED.map((category) =>
      smallTask({ purpose, sector, categories: { required: [category], optional: [] } }),
    ),
  );
}

/** What whoever keeps this twin collects for. */
function mayCollect(
  state: ConsentState,
  subject: string,
  category: Category,
  { sector }: Scenario,
  now: number,
): boolean {
  return PURPOSES_ASKED.some((purpose) => mayFor(state, subject, category, { purpose, sector }, now));
}

/** What a store keeps that does not know for what: anything that somebody may collect. */
function mayKeep(state: ConsentState, subject: string, category: Category, now: number): boolean {
  return SECTORS.some((sector) =>
    PURPOSES_ASKED.some((purpose) => mayFor(state, subject, category, { purpose, sector }, now)),
  );
}

function mayFor(
  state: ConsentState,
  subject: string,
  category: Category,
  use: { purpose: string; sector: Scenario['sector'] },
  now: number,
): boolean {
  const categories = { required: [category], optional: [] };
  return decide({ ...use, subject, categories, operation: 'collect' }, state, now).allow;
}

function eventOf(category: Category, now: number): CustomerEvent {
  const id = bytesToBase64Url(randomBytes(6));
  return { id, source: 'test', type: 'page.view', time: new Date(now).toISOString(), category, data: {} };
}

function idsOf(events: readonly { id: string }[]): string[] {
  return events.map(({ id }) => id).sort();
}
