/**
 * A small world for the tests that break things: real processes from the built packages, each with a database of its own on the
 * run's PostgreSQL server, keys and credentials as the demo makes them. What a test may do to it: kill, restart, listen.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  inputWidth,
  PATHS,
  roundResultsSchema,
  taskOperation,
  type Feature,
  type RoundResult,
  type TaskSpec,
} from '@twinkeep/protocol';
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { createCoordinatorClient } from '../../demo/coordinator.ts';
import { configFile, createParties, writeConfig, type Parties, type Party } from '../../demo/parties.ts';
import { commandScript } from '../../demo/programs.ts';
import { createTestDatabase } from './postgres.ts';

export interface World {
  parties: Parties;
  folder: string;
  url: string;
  /** Database URL by party folder name: `coordinator`, `helper-1`, `node-1`. */
  databases: Map<string, string>;
  coordinator: Keeper;
  helpers: Keeper[];
  publish(task: TaskSpec): Promise<void>;
  /** Results of all ended rounds, oldest first. */
  results(taskId: string): Promise<RoundResult[]>;
  /** Waits until `count` rounds have ended. */
  untilEnded(taskId: string, count: number, seconds: number): Promise<RoundResult[]>;
  /** A real region node with the customers of these NDJSON lines, taking part in the task. */
  startNode(index: number, lines: readonly object[], task: TaskSpec): Promise<Keeper>;
  /** A command of the region node's own, e.g. `withdraw --customer 7`; resolves with what it printed. */
  runNode(index: number, args: readonly string[]): Promise<string>;
  startReporter(index: number, members: readonly string[], task: TaskSpec): Promise<Reporter>;
  /** What the parties wrote to their logs. */
  logFile(party: string): string;
  stop(): Promise<void>;
}

/** A process that a test may kill and start again. */
export interface Keeper {
  process: ChildProcess | null;
  start(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export async function createWorld(
  nodes: number,
  publicUrl?: (port: number) => string,
  allowedOrigins: readonly string[] = [],
): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeep-world-'));
  const parties = await createParties(folder, nodes);
  const port = await freePort();
  const url = publicUrl?.(port) ?? `http://127.0.0.1:${port}`;
  const databases = new Map<string, string>();
  const children = new Set<ChildProcess>();
  const logFile = (party: string): string => join(folder, `${party}.log`);
  const databaseOf = async (party: Party): Promise<string> => {
    const name = party.folder.slice(folder.length + 1);
    const existing = databases.get(name) ?? (await createTestDatabase());
    databases.set(name, existing);
    return existing;
  };
  const keeper = (name: string, script: string, args: readonly string[]): Keeper => {
    const self: Keeper = {
      process: null,
      async start() {
        const log = openSync(logFile(name), 'a');
        const child = fork(script, args, { stdio: ['ignore', log, log, 'ipc'], execArgv: [] });
        children.add(child);
        self.process = child;
        await untilMessage(child, 'ready', `${name}, see ${logFile(name)}`);
      },
      async kill(signal) {
        const child = self.process;
        if (child === null || child.exitCode !== null || child.signalCode !== null) return;
        const exit = once(child, 'exit');
        child.kill(signal);
        await exit;
      },
    };
    return self;
  };
  await writeConfig(parties.coordinator, {
    listen: { host: '127.0.0.1', port },
    publicUrl: url,
    databaseUrl: await databaseOf(parties.coordinator),
    trustFile: '../trust.json',
    keyFile: 'key.json',
    logKeyFile: 'log-key.json',
    vaultKeyFile: 'vault.key',
    allowedOrigins,
  });
  const coordinator = keeper('coordinator', commandScript('twinkeep-coordinator'), [
    'serve',
    '--config',
    configFile(parties.coordinator),
  ]);
  const helpers = await Promise.all(
    parties.helpers.map(async (party, i) => {
      await writeConfig(party, {
        j: i + 1,
        coordinatorUrl: url,
        databaseUrl: await databaseOf(party),
        trustFile: '../trust.json',
        keyFile: 'key.json',
      });
      return keeper(`helper-${i + 1}`, commandScript('twinkeep-helper'), [
        'run',
        '--config',
        configFile(party),
      ]);
    }),
  );
  const client = createCoordinatorClient(url);
  const results = async (taskId: string): Promise<RoundResult[]> => {
    const response = await fetch(`${url}${PATHS.results(taskId)}?after=0`);
    const answer = v.parse(roundResultsSchema, await response.json());
    return answer.results.map(({ result }) => result.statement.body);
  };
  const world: World = {
    parties,
    folder,
    url,
    databases,
    coordinator,
    helpers,
    results,
    logFile,
    publish: (task) => client.publishTask(task, parties.operator),
    async untilEnded(taskId, count, seconds) {
      const last = Date.now() + seconds * 1000;
      for (;;) {
        // The coordinator may be down at this moment: that is what some tests are about.
        const ended = await results(taskId).catch(() => []);
        if (ended.length >= count) return ended;
        if (Date.now() > last)
          throw new Error(`only ${ended.length} of ${count} rounds ended in ${seconds} s`);
        await pause(100);
      }
    },
    async startNode(index, lines, task) {
      const party = parties.nodes[index] as Party;
      await writeConfig(party, {
        coordinatorUrl: url,
        databaseUrl: await databaseOf(party),
        trustFile: '../trust.json',
        keyFile: 'key.json',
        credentialFile: 'credential.jwt',
        wrappingKeyFile: 'wrapping.key',
        party: `https://bank.example/node-${index + 1}`,
        controller: 'https://bank.example',
        minReports: 2,
        minTwins: 2,
        seed: 'world',
      });
      const events = join(party.folder, 'customers.ndjson');
      const terms = join(party.folder, 'consent.json');
      await writeFile(events, lines.map((line) => JSON.stringify(line)).join('\n'));
      await writeFile(terms, JSON.stringify(termsOf(task)));
      await world.runNode(index, ['import', '--events', events, '--consent', terms]);
      const args = ['run', '--config', configFile(party), '--task', task.taskId];
      const node = keeper(`node-${index + 1}`, commandScript('twinkeep-region'), args);
      await node.start();
      return node;
    },
    async runNode(index, [command = '', ...args]) {
      const config = configFile(parties.nodes[index] as Party);
      const script = commandScript('twinkeep-region');
      const { stdout } = await promisify(execFile)(process.execPath, [
        script,
        command,
        '--config',
        config,
        ...args,
      ]);
      return stdout;
    },
    async startReporter(index, members, task) {
      const party = parties.nodes[index] as Party;
      const child = fork(join(import.meta.dirname, 'reporter.mjs'), [], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        execArgv: [],
      });
      children.add(child);
      return startReporter(child, {
        number: index + 1,
        url,
        keyJwk: JSON.parse(await readFile(join(party.folder, 'key.json'), 'utf8')) as unknown,
        credential: (await readFile(join(party.folder, 'credential.jwt'), 'utf8')).trim(),
        members,
        vkey: parties.trust.log.vkey,
        task,
        controller: 'https://bank.example',
        party: 'https://bank.example/node',
      });
    },
    async stop() {
      for (const child of children) child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}

/** A device whose clear numbers the test knows. */
export interface Reporter {
  process: ChildProcess;
  /** The quantised vector of a round, before masking. */
  quantized(round: number): Promise<{ values: Int32Array; twins: number }>;
  upload(round: number): void;
  accepted(round: number): Promise<void>;
  refused(round: number): Promise<string>;
}

async function startReporter(child: ChildProcess, options: object): Promise<Reporter> {
  const seen: ReporterMessage[] = [];
  child.on('message', (message: ReporterMessage) => seen.push(message));
  const wait = async (type: string, round?: number): Promise<ReporterMessage> => {
    for (;;) {
      const failed = seen.find((message) => message.type === 'failed');
      if (failed !== undefined) throw new Error(failed.message);
      const found = seen.find(
        (message) => message.type === type && (round === undefined || message.round === round),
      );
      if (found !== undefined) return found;
      if (child.exitCode !== null) throw new Error(`the reporter ended with ${child.exitCode}`);
      await pause(20);
    }
  };
  child.send({ type: 'start', ...options });
  await wait('ready');
  return {
    process: child,
    async quantized(round) {
      const { words, twins } = await wait('quantized', round);
      return {
        values: new Int32Array(Uint8Array.from(Buffer.from(words ?? '', 'base64')).buffer),
        twins: twins ?? 0,
      };
    },
    upload: (round) => void child.send({ type: 'upload', round }),
    accepted: async (round) => void (await wait('accepted', round)),
    refused: async (round) => (await wait('refused', round)).code ?? '',
  };
}

interface ReporterMessage {
  type: string;
  round?: number;
  words?: string;
  twins?: number;
  code?: string;
  message?: string;
}

export function randomSubjects(n: number): string[] {
  return Array.from({ length: n }, () => bytesToBase64Url(randomBytes(16)));
}

/** A small task: three numbers of one category, windows short enough for a test. */
export function smallTask(taskId: string, overrides: Partial<TaskSpec> = {}): TaskSpec {
  const features: Feature[] = ['a', 'b', 'c'].map((name) => ({
    name,
    category: 'transactional',
    event: 'attribute.set',
    attribute: name,
    aggregate: { kind: 'last' },
    transform: { kind: 'scale', bounds: [0, 10], curve: 'linear', indicator: false },
  }));
  return {
    v: 1,
    taskId,
    title: 'A test',
    purpose: 'https://w3id.org/dpv#ServiceOptimisation',
    sector: 'general',
    categories: { required: ['transactional'], optional: [] },
    features,
    label: {
      category: 'transactional',
      event: 'churn.observed',
      attribute: 'value',
      positive: [1],
      negative: [0],
      horizonDays: 30,
    },
    model: {
      kind: 'mlp',
      inputs: inputWidth(features),
      hidden: [4],
      outputs: 1,
      activation: 'tanh',
      seed: taskId,
    },
    clipL2: 1,
    optimizer: { kind: 'momentum', learningRate: 1, momentum: 0.9, decay: 0 },
    rounds: 2,
    evaluation: { bins: 256, logitRange: 8, maxLoss: 16, holdout: 0.2 },
    floors: { nMin: 2, nTarget: 10, minTwins: 2, maxTwins: 1000 },
    helpers: { m: 4, c: 1, mode: 'quorum', q: 3 },
    bits: 32,
    privacy: { mech: 'none' },
    windows: { collect: 30_000, ack: 15_000, reveal: 30_000 },
    ...overrides,
  };
}

function termsOf(task: TaskSpec): object {
  return {
    purpose: task.purpose,
    operation: taskOperation(task),
    notice: { id: 'test-notice', version: '1', lang: 'en', text: 'A notice for a test.' },
    required: task.categories.required,
    evidence: 'the test says so',
  };
}

async function untilMessage(child: ChildProcess, type: string, what: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.on('message', (message: { type?: unknown } | null) => {
      if (message?.type === type) resolve();
    });
    child.once('exit', (code) => reject(new Error(`${what}: ended with ${code} before it was ready`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
