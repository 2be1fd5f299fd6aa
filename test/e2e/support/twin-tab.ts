/** The twin in a page, as a test drives it: by expressions that are evaluated there, whoever evaluates them. */
import type { Recorded, RoundState, Twin, TwinStatus } from '@twinkeep/edge-client';
import type { Trust } from '@twinkeep/protocol';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { World } from '../../support/world.ts';
import type { BankApp } from './app.ts';
import type { BankPage, HoldingPoint, StartOptions, ToTestWorker } from './bank-page.ts';

/** Evaluates an expression in a page, waits for what it promises, and gives its value as JSON would. */
export type Evaluate = <T>(expression: string) => Promise<T>;

export interface TwinTab {
  subject: string;
  /** As the twin was opened. */
  status: TwinStatus;
  /** Calls the twin inside the page. */
  call<T, Argument>(use: (twin: Twin, argument: Argument) => Promise<T> | T, argument?: Argument): Promise<T>;
  record(events: readonly object[]): Promise<Recorded[]>;
  /** The task that the app takes part in is known. */
  untilTask(): Promise<void>;
  /** Says yes to everything, as soon as the task is known that asks for it, and takes in something to learn from. */
  makeReady(): Promise<void>;
  participate(): Promise<void>;
  /** The first state that the page was told since it was loaded and that has these fields. */
  untilState(wanted: Partial<RoundState>): Promise<RoundState>;
  untilStatus(wanted: Partial<TwinStatus>): Promise<void>;
  /** A worker of this origin has come by. */
  untilAt(point: HoldingPoint): Promise<void>;
  /** What was put into this origin's newest report for a round, before masks: whichever tab made it. */
  untilReport(rcHash?: string): Promise<Int32Array>;
  /** How many reports were made in this origin since the page was loaded. */
  reports(): Promise<number>;
  /** What reached the top of the page or of a worker: must be nothing. */
  uncaught(): Promise<string[]>;
  /** To the test's own workers, in all tabs. */
  tell(message: ToTestWorker): Promise<void>;
}

export interface TwinInPage extends TwinTab {
  page: Page;
}

export interface OpenOptions {
  task: string;
  subject?: string;
  trust?: Trust;
  coordinatorUrl?: string;
  /** Query of the worker's address, see test/browser/app/worker.ts. */
  worker?: string;
}

declare global {
  // What the script of the page leaves within reach.
  var bank: BankPage;
}

/** @param page where it does not show the app, it is sent there */
export async function openTwin(
  { origin }: Pick<BankApp, 'origin'>,
  world: World,
  page: Page,
  options: OpenOptions,
): Promise<TwinInPage> {
  if (!page.url().startsWith(`${origin}/`)) await page.goto(origin);
  return { ...(await startTwin((expression) => page.evaluate(expression), world, options)), page };
}

/** Starts the twin in a page that shows the app. */
export async function startTwin(evaluate: Evaluate, world: World, options: OpenOptions): Promise<TwinTab> {
  const start: StartOptions = {
    subject: options.subject ?? randomBytes(16).toString('base64url'),
    coordinatorUrl: options.coordinatorUrl ?? world.url,
    trust: options.trust ?? world.parties.trust,
    tasks: [options.task],
    workerUrl: `/worker.js?${options.worker ?? ''}`,
  };
  await until('the page is loaded', () => evaluate<boolean>(`'bank' in globalThis`));
  const status = await evaluate<TwinStatus>(`bank.start(${JSON.stringify(start)})`);
  const { subject } = start;
  return { subject, status, ...driveTwin(evaluate) };
}

function driveTwin(evaluate: Evaluate): Omit<TwinTab, 'subject' | 'status'> {
  const self: Omit<TwinTab, 'subject' | 'status'> = {
    call: (use, argument) => evaluate(`(${String(use)})(bank.twin, ${JSON.stringify(argument ?? null)})`),
    async record(events) {
      const answers: Recorded[] = [];
      for (const event of events) answers.push(await self.call((twin, event) => twin.record(event), event));
      return answers;
    },
    async untilTask() {
      await until('the task is known', () =>
        self.call(async (twin) => {
          const asked = await twin.consent.cells();
          return asked.available && asked.cells.length > 0;
        }),
      );
    },
    async makeReady() {
      await self.untilTask();
      await self.call((twin) => twin.consent.grant());
      const recorded = await self.record(history(9, 1));
      if (!recorded.every((answer) => answer.recorded)) throw new Error(JSON.stringify(recorded));
    },
    participate: () => self.call((twin) => void twin.participate()),
    untilState: (wanted) =>
      until(
        JSON.stringify(wanted),
        async () => (await evaluate<RoundState[]>('bank.states')).find((state) => isLike(state, wanted)),
        () => evaluate('[bank.states, bank.problems, bank.twin.status()]'),
      ),
    async untilStatus(wanted) {
      const status = (): Promise<TwinStatus> => self.call((twin) => twin.status());
      await until(JSON.stringify(wanted), async () => isLike(await status(), wanted), status);
    },
    async untilAt(point) {
      await until(
        point,
        () => evaluate(`bank.passed.includes('${point}')`),
        () => evaluate('bank.states'),
      );
    },
    untilReport: (rcHash) =>
      until(
        `a report for ${rcHash}`,
        async () => {
          const made = await evaluate<BankPage['reports']>('bank.reports');
          const found = made.findLast(([round]) => rcHash === undefined || round === rcHash);
          return found && Int32Array.from(found[1]);
        },
        () => evaluate('bank.reports.map(([rcHash]) => rcHash)'),
      ),
    reports: () => evaluate('bank.reports.length'),
    uncaught: () => evaluate('bank.uncaught'),
    tell: (message) => evaluate(`bank.tell(${JSON.stringify(message)})`),
  };
  return self;
}

function isLike<T extends object>(value: T, wanted: Partial<T>): boolean {
  return Object.entries(wanted).every(([name, field]) => value[name as keyof T] === field);
}

const PATIENCE = 90_000;
const TICK = 50;

/** Waits for a state, never for a time: what it takes on a slow machine is a matter of patience alone. @returns the first truthy value */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  otherwise: () => unknown = () => '',
): Promise<NonNullable<T>> {
  for (const last = Date.now() + PATIENCE; ; await pause(TICK)) {
    const found = await look();
    if (found) return found;
    if (Date.now() > last) throw new Error(`never ${what}: ${JSON.stringify(await otherwise())}`);
  }
}

const DAY = 86_400_000;

/** Signals of one person for `smallTask`: numbers long ago, and what became of it. */
export function history(a: number, churned: 0 | 1, now: number = Date.now()): object[] {
  const event = (id: string, type: string, days: number, data: object): object => ({
    id,
    source: 'app',
    type,
    time: new Date(now - days * DAY).toISOString(),
    category: 'transactional',
    data,
  });
  return [
    event('facts', 'attribute.set', 60, { a, b: 3, c: 7 }),
    event('label', 'churn.observed', 20, { value: churned }),
  ];
}
