/** A keeper of twins for tests: a store with consenting, labelled customers, a device key and a real engine. */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  createTransport,
  createGatherCache,
  planOf,
  recordEvents,
  type Participant,
  type Role,
  type Sleep,
} from '@twinkeep/edge-client/fleet';
import { createTfEngine, loadTf } from '@twinkeep/edge-client/train';
import { createSigningKey, networkOf, randomBytes, type TaskSpec, webCryptoPrg } from '@twinkeep/protocol';
import { createMemoryTwinStore } from '../../support/memory-twin-store.ts';
import { DAY, makeChain, makeEvent, NOW, POLICY, subjectOf, type ChainLink } from '../fixtures.ts';
import { ROUND_OPEN, type TestCoordinator } from './coordinator.ts';

export interface KeeperOptions {
  url: string;
  task: TaskSpec;
  twins: number;
  /** Number of the keeper: its twins are others than those of the next. */
  nth?: number;
  maxTwins?: number;
  consents?: (twin: number) => ChainLink[];
  labelled?: (twin: number) => boolean;
  role?: (twin: number) => Role;
}

const { tf } = await loadTf();
const noSleep: Sleep = async () => {};

export async function createKeeper(
  coordinator: TestCoordinator,
  options: KeeperOptions,
): Promise<Participant> {
  const { task, twins, nth = 0, maxTwins = 1_000 } = options;
  const store = createMemoryTwinStore();
  const plan = planOf([task]);
  const deps = { store, plan, policy: POLICY, clock: () => NOW };
  for (let twin = 0; twin < twins; twin++) {
    const subject = subjectOf(1_000 * nth + twin);
    await store.addTwin(subject, []);
    const links = options.consents?.(twin) ?? [{ type: 'grant', index: twin }];
    await store.appendConsents(subject, 0, makeChain(subject, links));
    const receipts = makeChain(subject, links).flatMap(({ id, receipt }) =>
      receipt ? [{ event: id, ...receipt }] : [],
    );
    await store.addReceipts(receipts);
    await recordEvents(deps, subject, eventsOf(twin, options.labelled?.(twin) ?? true));
  }
  const key = await createSigningKey();
  const sub = bytesToBase64Url(randomBytes(16));
  const credential = await coordinator.credentialFor(key, { maxTwins, sub });
  const roleOf = options.role ?? ((twin: number): Role => (twin % 3 === 0 ? 'hold-out' : 'train'));
  let drawn = 0;
  return {
    store,
    plan,
    cache: createGatherCache(),
    draw: () => roleOf(drawn++),
    clock: () => ROUND_OPEN + 1_000,
    transport: createTransport({
      baseUrl: options.url,
      key,
      credential: () => credential,
      fetch: globalThis.fetch,
      clock: () => ROUND_OPEN + 1_000,
      random: randomBytes,
      sleep: noSleep,
      retry: { attempts: 3, base: 1, longest: 1 },
      timeout: 2_000,
    }),
    trust: coordinator.trust,
    device: { key, credential: () => credential },
    engine: createTfEngine(tf, networkOf(task)),
    floors: { nMin: 2, minTwins: 2 },
    random: randomBytes,
    prg: webCryptoPrg,
  };
}

function eventsOf(twin: number, labelled: boolean): unknown[] {
  const before = NOW - 40 * DAY;
  const orders = Array.from({ length: twin % 4 }, (_, i) =>
    makeEvent('order', 'transactional', before - i * DAY, { amount: 10 * (twin % 7) + i }),
  );
  const visits = Array.from({ length: twin % 5 }, () => makeEvent('visit', 'behavioral', before));
  const plan = makeEvent('attribute.set', 'transactional', before, {
    plan: ['basic', 'plus', 'gold'][twin % 3]!,
  });
  const label = makeEvent('contract.ended', 'transactional', NOW - 2 * DAY, { left: twin % 2 === 0 });
  return [...orders, ...visits, plan, ...(labelled ? [label] : [])];
}
