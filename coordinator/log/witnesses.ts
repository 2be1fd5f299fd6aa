/**
 * The log as a client of its witnesses (C2SP tlog-witness): whenever it has grown, all are asked to cosign the head, and once as many have as
 * the trust file demands, that head is the one under which readers are shown things. Until then what was appended exists for nobody outside.
 *
 * One head at a time is the target, and stays it until it has its cosignatures or nobody is left to wait for: witnesses that were each asked
 * for another head would never come together. A witness that fails is left alone for a while, the others are not held up by it.
 *
 * What was collected for a target is in memory only. A crash loses a few signatures that are asked for again; what was published is durable
 * before anyone sees it. Several processes on one database take turns by a lease; two that asked at once would do no harm but to each other.
 */
import {
  mergeCosignatures,
  vkeyToNoteKey,
  type LogHead,
  type NoteKey,
  type WitnessPolicy,
} from '@twinkeep/audit';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { raiseRevisions } from '../store/revisions.ts';
import type { Db } from '../store/schema.ts';
import type { RunTx } from '../store/tx.ts';
import {
  lockWitnessLease,
  releaseWitnessLease,
  saveWitnessedHead,
  saveWitnessProblem,
  takeWitnessLease,
  topicsOfStatements,
} from '../store/witnessed.ts';
import { askWitness, type WitnessAddress, type WitnessProblem } from './ask-witness.ts';
import type { Journal } from './journal.ts';

export interface WitnessingDeps {
  db: Db;
  runTx: RunTx;
  journal: Journal;
  policy: WitnessPolicy;
  /** Of at least as many witnesses of the policy as it demands. */
  addresses: readonly WitnessAddress[];
  clock: () => number;
  log: Logger;
  onError: (what: string, error: unknown) => void;
}

export interface Witnessing {
  /** The log may have grown. */
  wake(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** How late growth is noticed whose wake-up was lost. */
const TICK_MILLIS = 250;
const LEASE_MILLIS = 5_000;
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5_000;
/** Sizes that a witness may answer with in a row before it is left alone. */
const MAX_ATTEMPTS = 4;

interface Witness {
  name: string;
  url: string;
  key: NoteKey;
  /** Leaves in the head that it cosigned last, as far as known. */
  size: number;
  isBusy: boolean;
  failures: number;
  /** Not asked before, in milliseconds since 1970. */
  restsUntil: number;
  /** As the table says; undefined: not known yet. */
  problem: WitnessProblem | null | undefined;
}

interface Target {
  head: LogHead;
  /** Cosignature lines by witness. */
  lines: Map<string, string>;
}

export function startWitnessing(deps: WitnessingDeps): Witnessing {
  const { db, journal, policy, clock, log, onError } = deps;
  const holder = randomUUID();
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  const witnesses = deps.addresses.map(({ name, url }): Witness => {
    const { vkey } = policy.witnesses.find((each) => each.name === name)!;
    const rest = { size: 0, isBusy: false, failures: 0, restsUntil: 0, problem: undefined };
    return { name, url, key: vkeyToNoteKey(vkey), ...rest };
  });
  let target: Target | null = null;
  let leasedUntil = 0;
  let wake = (): void => undefined;

  /** One look: chooses the target, asks whoever is free. Answers come in later, and wake the loop. */
  const look = async (): Promise<void> => {
    const head = await journal.read(db).head();
    if (head === null) return;
    const published = await journal.published(db);
    if (published?.size === head.size && published.witnesses >= witnesses.length) return;
    if (!(await holdLease())) return;
    target = chooseTarget(head, published);
    // Where storing it failed: nobody is asked again for what is here already.
    if (target.head.size > (published?.size ?? 0)) await keep(target);
    for (const witness of witnesses) {
      if (witness.isBusy || target.lines.has(witness.name) || clock() < witness.restsUntil) continue;
      const asked = ask(witness, target)
        .catch((error: unknown) => onError('witness', error))
        .finally(() => {
          underWay.delete(asked);
          wake();
        });
      underWay.add(asked);
    }
  };

  const chooseTarget = (head: LogHead, published: { size: number } | null): Target => {
    const isOld = target === null || target.head.size <= (published?.size ?? 0);
    const isStuck = !isOld && !witnesses.some(({ isBusy }) => isBusy);
    const isLatest = target?.head.note === head.note;
    return target === null || (!isLatest && (isOld || isStuck)) ? { head, lines: new Map() } : target;
  };

  const ask = async (witness: Witness, { head, lines }: Target): Promise<void> => {
    witness.isBusy = true;
    try {
      const problem = await askUntilCosigned(witness, head, (line) => lines.set(witness.name, line));
      const isCosigned = lines.has(witness.name);
      if (isCosigned) await keep({ head, lines });
      else rest(witness, problem);
      await note(witness, problem);
    } finally {
      witness.isBusy = false;
    }
  };

  /** @returns why it did not cosign; null where it did, or where the head is no longer the one to ask for */
  const askUntilCosigned = async (
    witness: Witness,
    head: LogHead,
    take: (line: string) => void,
  ): Promise<WitnessProblem | null> => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const oldSize = Math.min(witness.size, head.size);
      const proof =
        oldSize === 0 || oldSize === head.size
          ? []
          : (await journal.read(db).consistencyProof(oldSize, head.size)).proof;
      const reply = await askWitness(witness, { oldSize, proof, checkpoint: head.note }, stopping.signal);
      if (reply.kind === 'problem') return reply.problem;
      if (reply.kind === 'cosigned') {
        witness.size = head.size;
        take(reply.line);
        return null;
      }
      witness.size = reply.size;
      if (reply.size <= head.size) continue;
      // Another process has asked for a longer head meanwhile; or nobody here can have.
      return reply.size > ((await journal.read(db).head())?.size ?? 0) ? 'ahead' : null;
    }
    return 'refused';
  };

  /** Published once enough have cosigned; whoever cosigns later is added. */
  const keep = async ({ head, lines }: Target): Promise<void> => {
    if (lines.size < policy.threshold) return;
    await deps.runTx('witnessed-head', async (tx) => {
      // One writer at a time: the published head never goes back, not even for a moment.
      await lockWitnessLease(tx);
      const before = await journal.published(tx);
      if (before !== null && before.size > head.size) return;
      const cosignatures = mergeCosignatures('', [...lines.values()]);
      await saveWitnessedHead(tx, { ...head, cosignatures });
      if (before?.size === head.size) return;
      await raiseRevisions(tx, await topicsOfStatements(tx, before?.size ?? null, head.size));
    });
    log.debug({ size: head.size, witnesses: [...lines.keys()] }, 'head cosigned');
  };

  /** Also where it says that the target is old: whatever it says, it keeps nobody busy. */
  const rest = (witness: Witness, problem: WitnessProblem | null): void => {
    witness.restsUntil = clock() + Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** witness.failures);
    witness.failures = problem === null ? 0 : witness.failures + 1;
  };

  const note = async (witness: Witness, problem: WitnessProblem | null): Promise<void> => {
    if (stopping.signal.aborted) return;
    if (problem === null) witness.failures = 0;
    if (problem === witness.problem) return;
    const { name } = witness;
    if (problem !== null) log.error({ witness: name, problem }, 'a witness does not cosign');
    else if (witness.problem !== undefined) log.info({ witness: name }, 'the witness cosigns again');
    await saveWitnessProblem(db, name, problem, clock());
    witness.problem = problem;
    const silent = witnesses.filter(({ problem }) => (problem ?? null) !== null).map(({ name }) => name);
    if (problem !== null && policy.witnesses.length - silent.length < policy.threshold)
      log.error({ silent, needed: policy.threshold }, 'too few witnesses: nothing new is published');
  };

  /** Taken anew only in its second half: most looks cost nothing. */
  const holdLease = async (): Promise<boolean> => {
    if (leasedUntil - performance.now() > LEASE_MILLIS / 2) return true;
    const asked = performance.now();
    const held = await takeWitnessLease(db, holder, LEASE_MILLIS);
    // What the process before us found out stands in the table, and may have changed.
    if (held && leasedUntil === 0) for (const witness of witnesses) witness.problem = undefined;
    leasedUntil = held ? asked + LEASE_MILLIS : 0;
    return held;
  };

  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let isWoken = false;
      const woken = new Promise<void>((resolve) => {
        wake = () => {
          isWoken = true;
          resolve();
        };
      });
      await look().catch((error: unknown) => onError('witnesses', error));
      if (isWoken || stopping.signal.aborted) continue;
      const timer = setTimeout(() => wake(), TICK_MILLIS);
      await woken;
      clearTimeout(timer);
    }
    await Promise.all(underWay);
    if (leasedUntil > 0)
      await releaseWitnessLease(db, holder).catch((error: unknown) => onError('witness-lease', error));
  };
  const running = loop();

  return {
    wake: () => wake(),
    stop: () => {
      stopping.abort();
      wake();
      return running;
    },
  };
}
