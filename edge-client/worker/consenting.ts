/**
 * Consent as the person gives and takes it. Each choice becomes events signed by the device's key as `subject`, linked to all that came
 * before, and stored before anything else happens: a no is in force here from then on, and with it what was kept on the strength of
 * the yes is deleted. Deliveries are `delivery.ts`.
 */
import {
  cellStatusAt,
  ConsentError,
  createConsentSigner,
  findCell,
  listCells,
  mayAsk,
  PERMITTING_STATUSES,
  millisToInstant,
  type Category,
  type ConsentEvent,
  type ConsentState,
  type Operation,
} from '@twinkeep/consent';
import { publicKeyToJwk } from '@twinkeep/protocol';
import { jwsToEvent, readConsentChain } from '../consent-chain.ts';
import { createChainSigner, type Choice } from '../consent-signer.ts';
import { refoldTwin } from '../record.ts';
import { StoreError } from '../store/errors.ts';
import type { ConsentEntry, SignedConsentEntry } from '../store/port.ts';
import { TWIN_OPERATIONS } from '../twin/operations.ts';
import { refused } from '../twin/reasons.ts';
import type {
  ConsentCellView,
  ConsentChange,
  ConsentChoice,
  ConsentReceiptView,
  GrantChoice,
} from '../twin/types.ts';
import {
  ChoiceError,
  grantsFor,
  lastWordsFor,
  namedCategories,
  refusalsFor,
  takesExplicitYes,
  withdrawalsFor,
  type ChoiceContext,
} from './consent-choice.ts';
import { ERASURE_METHOD } from './erasure-mark.ts';
import { readTwin, recordDeps, untilTasks, type Home } from './home.ts';

export interface Consenting {
  cells(): Promise<ConsentCellView[]>;
  receipts(): Promise<ConsentReceiptView[]>;
  grant(choice: GrantChoice): Promise<ConsentChange>;
  refuse(choice: ConsentChoice): Promise<ConsentChange>;
  withdraw(choice: ConsentChoice): Promise<ConsentChange>;
  /** Withdraws whatever was ever answered, as the first step of an erasure. `changed` is false where nothing ever was. */
  withdrawForErasure(): Promise<ConsentChange>;
  /** The same where there is no room to keep it. @returns all that the coordinator has not logged yet, oldest first, as compact JWS */
  signForErasure(): Promise<string[]>;
}

const ATTEMPTS = 5;

export function createConsenting(home: Home): Consenting {
  const change = async (choicesOf: ChoicesOf, needsTask: boolean): Promise<ConsentChange> => {
    if (needsTask) await untilTasks(home);
    if (needsTask && home.tasks.specs().length === 0)
      return { changed: false, events: [], ...refused('no-task') };
    try {
      const events = await signAll(home, choicesOf);
      return { changed: events.length > 0, events };
    } catch (error) {
      if (error instanceof ChoiceError || error instanceof ConsentError)
        return { changed: false, events: [], ...refused('malformed', error.message) };
      throw error;
    }
  };
  return {
    async cells() {
      await untilTasks(home);
      return viewCells(home, (await readTwin(home)).consents);
    },
    receipts: async () => (await readTwin(home)).consents.map(viewReceipt),
    grant: (choice) => change((context) => grantsFor(choice, context), true),
    refuse: (choice) => change((context) => refusalsFor(choice, context), true),
    withdraw: (choice) => change((context) => withdrawalsFor(choice, context), false),
    withdrawForErasure: () => change(lastWords, false),
    async signForErasure() {
      const { consents, added } = await sign(home, lastWords);
      const waiting = consents.filter(({ receipt }) => receipt === null);
      return [...waiting, ...added].map(({ jws }) => jws);
    },
  };
}

function lastWords(context: ChoiceContext): Choice[] {
  return lastWordsFor(ERASURE_METHOD, context);
}

/** @returns ids of the new events */
async function signAll(home: Home, choicesOf: ChoicesOf): Promise<string[]> {
  const { settings, store, emit } = home;
  const { subject } = settings;
  for (let attempt = 1; ; attempt++) {
    const { consents, signed, added } = await sign(home, choicesOf);
    try {
      if (added.length > 0) await store.appendConsents(subject, consents.length, added);
    } catch (error) {
      // Another tab added to the chain meanwhile: link to that too.
      const conflict = error instanceof StoreError && error.code === 'store/conflict';
      if (!conflict || attempt === ATTEMPTS) throw error;
      continue;
    }
    if (signed.some(({ event }) => event.type !== 'grant')) await refoldTwin(recordDeps(home), subject);
    added.forEach(({ id }, i) => emit('consent', { id, event: signed[i] as ConsentEvent, receipt: null }));
    return added.map(({ id }) => id);
  }
}

type ChoicesOf = (context: ChoiceContext) => Choice[];

/** Signs choices on top of the chain as it is; nothing is kept. */
async function sign(
  home: Home,
  choicesOf: ChoicesOf,
): Promise<{ consents: ConsentEntry[]; signed: ConsentEvent[]; added: SignedConsentEntry[] }> {
  const { settings, platform, key, tasks } = home;
  const { subject, controller } = settings;
  const signer = await createConsentSigner(key.privateKey, publicKeyToJwk(key.publicKey));
  const deps = { signer, controller, random: platform.random, clock: platform.clock };
  const { consents } = await readTwin(home);
  const chain = createChainSigner(deps, subject, consents);
  const context = { settings, specs: tasks.specs(), state: chain.state(), now: platform.clock() };
  const signed: ConsentEvent[] = [];
  for (const choice of choicesOf(context)) signed.push(await chain.add(choice, { by: 'subject' }));
  return { consents, signed, added: [...chain.added()] };
}

export function viewReceipt({ id, jws, receipt }: ConsentEntry): ConsentReceiptView {
  return { id, jws, event: jwsToEvent(jws), receipt };
}

function viewCells({ settings, tasks, platform }: Home, chain: readonly ConsentEntry[]): ConsentCellView[] {
  const state = readConsentChain(chain).signed;
  const logged = new Set(chain.filter(({ receipt }) => receipt !== null).map(({ id }) => id));
  const now = platform.clock();
  const specs = tasks.specs();
  const asked = [...new Set(specs.map(({ purpose }) => purpose))].flatMap((purpose) => {
    const { required, optional } = namedCategories(specs, purpose);
    return [...required, ...optional].flatMap((category) =>
      TWIN_OPERATIONS.map((operation) => ({ purpose, category, operation })),
    );
  });
  const answered = listCells(state).map(({ purpose, category, operation }) => ({
    purpose,
    category,
    operation,
  }));
  const named = new Map([...asked, ...answered].map((cell) => [JSON.stringify(Object.values(cell)), cell]));
  return [...named.values()].map((cell) => ({
    ...viewCell(cell, state, logged, now, specs),
    explicit: takesExplicitYes(cell.category, cell.purpose, settings, specs),
  }));
}

function viewCell(
  named: { purpose: string; category: Category; operation: Operation },
  state: ConsentState,
  logged: ReadonlySet<string>,
  now: number,
  specs: Parameters<typeof namedCategories>[0],
): Omit<ConsentCellView, 'explicit'> {
  const { purpose, category, operation } = named;
  const cell = findCell(state, category, purpose, operation);
  const status = cellStatusAt(cell, now);
  const ends = PERMITTING_STATUSES.has(status) && cell !== undefined && Number.isFinite(cell.validUntil);
  return {
    ...named,
    necessity: namedCategories(specs, purpose).required.includes(category) ? 'required' : 'optional',
    status,
    logged: cell === undefined || cell.entries.every(({ event }) => logged.has(event)),
    validUntil: ends ? millisToInstant(cell.validUntil) : null,
    mayAsk: mayAsk(named, state, now),
  };
}
