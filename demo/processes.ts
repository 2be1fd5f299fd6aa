/**
 * The parties as processes of their own. Each has an IPC channel to us: it says 'ready' over it, and when the channel closes because
 * we are gone, even by SIGKILL, the process ends itself. Output goes to a file per party.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DemoError } from './errors.ts';

export interface Program {
  /** Names the party on screen and its log file. */
  name: string;
  script: string;
  args: readonly string[];
}

export interface Processes {
  /** Starts a party; resolves when it is ready. @throws DemoError 'demo/party' where it ends before that */
  start(program: Program): Promise<void>;
  /** Runs a program to its end. @throws DemoError 'demo/party' with its last words where it fails */
  run(program: Program): Promise<void>;
  /** SIGTERM, and SIGKILL after 3 seconds. */
  stop(names: readonly string[]): Promise<void>;
  stopAll(): Promise<void>;
  /** Whether a party of this name was started, was not told to stop, and is not there all the same. */
  lacks(name: string): boolean;
  /** As `stopAll`, and nothing can be started any more. */
  close(): Promise<void>;
}

const GRACE_MS = 3_000;

/** @param onEnd called when a party that was ready ends without having been told to; `how` in words */
export function createProcesses(logs: string, onEnd: (program: Program, how: string) => void): Processes {
  const running = new Map<ChildProcess, string>();
  const wanted = new Set<string>();
  let closed = false;

  async function spawn({ name, script, args }: Program): Promise<Started> {
    const log = await open(logFile(logs, name), 'a', 0o600);
    try {
      if (closed)
        throw new DemoError('demo/interrupted', `${name} was not started: everything is being stopped.`);
      const child = fork(script, args, { stdio: ['ignore', log.fd, log.fd, 'ipc'], execArgv: [] });
      running.set(child, name);
      child.once('exit', () => running.delete(child));
      return { exit: exitOf(child), ready: untilReady(child) };
    } finally {
      await log.close();
    }
  }

  async function stop(names: readonly string[]): Promise<void> {
    for (const name of names) wanted.delete(name);
    const children = [...running].flatMap(([child, name]) => (names.includes(name) ? child : []));
    const ended = Promise.all(children.map((child) => exitOf(child)));
    for (const child of children) child.kill('SIGTERM');
    await Promise.race([ended, pause(GRACE_MS, undefined, { ref: false })]);
    for (const child of children) child.kill('SIGKILL');
    await ended;
  }

  const stopAll = (): Promise<void> => stop([...wanted, ...running.values()]);

  return {
    async start(program) {
      wanted.add(program.name);
      const { exit, ready } = await spawn(program);
      const first = await Promise.race([exit, ready]);
      if (first !== 'ready') throw await failure(logs, program, `${first} before it was ready`);
      void exit.then((how) => {
        if (wanted.has(program.name)) onEnd(program, how);
      });
    },
    async run(program) {
      const { exit } = await spawn(program);
      const how = await exit;
      if (how !== SUCCESS) throw await failure(logs, program, how);
    },
    stop,
    stopAll,
    lacks: (name) => wanted.has(name) && ![...running.values()].includes(name),
    close() {
      closed = true;
      return stopAll();
    },
  };
}

/** Listened for from the moment of the fork, so that nothing is missed. */
interface Started {
  /** How it ended, in words. */
  exit: Promise<string>;
  ready: Promise<'ready'>;
}

const SUCCESS = 'ended with exit code 0';
const logFile = (logs: string, name: string): string => join(logs, `${name.replaceAll(' ', '-')}.log`);

function untilReady(child: ChildProcess): Promise<'ready'> {
  return new Promise((resolve) => {
    child.on('message', (message: { type?: unknown } | null) => {
      if (message?.type === 'ready') resolve('ready');
    });
  });
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const say = (code: number | null, signal: NodeJS.Signals | null): string =>
      signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    if (child.exitCode !== null || child.signalCode !== null) resolve(say(child.exitCode, child.signalCode));
    child.once('exit', (code, signal) => resolve(say(code, signal)));
    child.once('error', reject);
  });
}

const LAST_WORDS = 12;

async function failure(logs: string, { name }: Program, how: string): Promise<DemoError> {
  const file = logFile(logs, name);
  const said = (await readFile(file, 'utf8')).trim().split('\n').slice(-LAST_WORDS).join('\n');
  return new DemoError('demo/party', `${name} ${how}. The end of ${file}:\n${said || '(nothing)'}`);
}
