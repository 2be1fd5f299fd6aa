/** This device's part in one round, through the same `participate` as a region node's, and what to tell the person of it. */
import type { LoggedStatement, RoundConfig, RoundOffer, TaskSpec } from '@twinkeep/protocol';
import { askContribution, readConsentChain } from '../consent-chain.ts';
import { labelOf } from '../features/row.ts';
import { createCountingEngine } from '../round/counting.ts';
import { createGatherCache } from '../round/gather.ts';
import { participate, type Contributed, type Participant } from '../round/participate.ts';
import type { StayHome } from '../round/reasons.ts';
import { drawRole } from '../round/role.ts';
import type { RoundState } from '../twin/types.ts';
import type { Board } from './board.ts';
import { createLazyEngine } from './engine.ts';
import { readFeatures, readTwin, type Home } from './home.ts';

/** @returns true where nothing is left to be tried in this state of the round */
export type Attempt = (
  task: LoggedStatement<TaskSpec>,
  offer: RoundOffer,
  signal: AbortSignal,
) => Promise<boolean>;

export function createAttempt({ home, board }: { home: Home; board: Board }, taskId: string): Attempt {
  const { store, platform, credentials } = home;
  const cache = createGatherCache();
  let engine: Participant['engine'] | null = null;
  let round: number | null = null;

  const engineOf = (spec: TaskSpec): Participant['engine'] =>
    spec.model.kind === 'marginals'
      ? createCountingEngine(spec)
      : createLazyEngine(platform.loadEngine, spec.model, () =>
          board.say(taskId, { round, state: 'working', why: 'The twin works on its part of the round.' }),
        );

  const participantOf = (spec: TaskSpec): Participant => ({
    store: {
      ...store,
      addReport: async (report) => {
        await store.addReport(report);
        board.say(taskId, { round, state: 'sending', why: 'The report is on its way.' });
      },
    },
    transport: home.transport,
    trust: home.settings.trust,
    plan: home.tasks.plan(),
    draw: () => drawRole(spec, platform.random),
    cache,
    clock: platform.clock,
    device: { key: home.key, credential: credentials.current },
    engine: (engine ??= engineOf(spec)),
    floors: { nMin: home.settings.minReports, minTwins: 1 },
    random: platform.random,
    prg: platform.prg,
  });

  return async (task, offer, signal) => {
    const spec = task.statement.body;
    round = offer.config?.statement.body.round ?? null;
    await home.sweep();
    await dropUnconsented(home, spec);
    const reports = await store.readReports(taskId);
    const pending = reports.some(({ outcome }) => outcome === 'pending');
    if (offer.phase !== 'collecting' && !pending) return sayNoRound(board, taskId, round);

    await readFeatures(home);
    credentials.adopt(reports);
    await credentials.ensure();
    const outcome = await participate(participantOf(spec), task, offer, signal);
    if ('reported' in outcome) return sayReported(board, taskId, outcome);
    await sayStaysHome(home, board, spec, offer, outcome);
    return true;
  };
}

/** What was withdrawn leaves no more, also where it was made before and waits to be sent. */
async function dropUnconsented(home: Home, task: TaskSpec): Promise<void> {
  const reports = await home.store.readReports(task.taskId);
  const pending = reports.filter(({ outcome }) => outcome === 'pending');
  if (pending.length === 0 || !('denied' in (await askLeave(home, task, home.platform.clock())))) return;
  for (const { rcHash } of pending) await home.store.settleReport(rcHash, 'refused');
}

async function askLeave(
  home: Home,
  task: TaskSpec,
  until: number,
): Promise<ReturnType<typeof askContribution> & { unlogged?: boolean }> {
  const { subject } = home.settings;
  const now = home.platform.clock();
  const readings = readConsentChain((await readTwin(home)).consents);
  const terms = { cohort: task.floors.nMin, now, until };
  const leave = askContribution(task, subject, readings, terms);
  if (!('denied' in leave)) return leave;
  const later = askContribution(task, subject, { ...readings, logged: readings.signed }, terms);
  return { ...leave, unlogged: !('denied' in later) };
}

function sayNoRound(board: Board, taskId: string, round: number | null): true {
  const now = board.of(taskId);
  const kept =
    now.round === round && ['accepted', 'pending', 'refused', 'ended', 'stays-home'].includes(now.state);
  if (!kept) board.sayWhy(taskId, { round, state: 'waiting' }, 'no-round');
  return true;
}

/** @returns false where it is not known yet whether the report arrived */
function sayReported(board: Board, taskId: string, { reported, round, code, twins }: Contributed): boolean {
  const role = twins.trainers.n > 0 ? ('train' as const) : ('hold-out' as const);
  if (reported === 'accepted') board.say(taskId, { ...ACCEPTED, round, role });
  else if (reported === 'refused') board.sayWhy(taskId, { round, state: 'refused' }, 'report-refused', code);
  else board.sayWhy(taskId, { round, state: 'pending' }, 'coordinator-unreachable', code);
  return reported !== 'pending';
}

const ACCEPTED = {
  state: 'accepted',
  why: 'The report of this device is in the round; this page may be closed.',
} as const;

async function sayStaysHome(
  home: Home,
  board: Board,
  task: TaskSpec,
  offer: RoundOffer,
  { stayHome, detail }: StayHome,
): Promise<void> {
  const { taskId } = task;
  const config = offer.config?.statement.body;
  const round = config?.round ?? null;
  if (stayHome === 'no-round') return void sayNoRound(board, taskId, round);
  if (stayHome === 'already-reported') return sayKnownReport(home, board, task, config as RoundConfig);
  const reason = stayHome === 'too-few-twins' ? await whyNobody(home, task, config ?? null) : stayHome;
  board.sayWhy(taskId, { round, state: 'stays-home' }, reason, detail);
}

/** After a reload, or another tab's work: what became of the report of this round. */
async function sayKnownReport(
  home: Home,
  board: Board,
  task: TaskSpec,
  { round, ackDeadline }: RoundConfig,
): Promise<void> {
  const { taskId } = task;
  const reports = await home.store.readReports(taskId);
  const outcome = reports.find((report) => report.round === round)?.outcome;
  if (outcome === 'pending')
    return board.sayWhy(taskId, { round, state: 'pending' }, 'coordinator-unreachable');
  if (outcome !== 'refused') return board.say(taskId, { ...ACCEPTED, round });
  // By the coordinator, or here, because the person withdrew while it was made.
  const denied = 'denied' in (await askLeave(home, task, ackDeadline));
  if (denied) board.sayWhy(taskId, { round, state: 'stays-home' }, 'not-consented');
  else board.sayWhy(taskId, { round, state: 'refused' }, 'report-refused');
}

/** One twin lives here; where it did not contribute, there is one reason. */
async function whyNobody(
  home: Home,
  task: TaskSpec,
  config: RoundConfig | null,
): Promise<Exclude<NonNullable<RoundState['reason']>, undefined>> {
  const leave = await askLeave(home, task, config?.ackDeadline ?? 0);
  if ('denied' in leave) return leave.unlogged === true ? 'consent-not-logged' : 'not-consented';
  const { label } = labelOf(await readFeatures(home), task);
  if (Number.isNaN(label)) return 'no-label';
  return config?.kind === 'train' ? 'held-out' : 'not-asked';
}
