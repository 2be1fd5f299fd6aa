/**
 * A Chromium that is driven through its DevTools pipe alone. Playwright keeps every page focused and visible, and Chromium freezes only
 * hidden pages: with playwright, `Page.setWebLifecycleState` is answered and does nothing. Here it stops the page, its timers and its
 * workers, as a phone does with a tab that is put aside.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { chromiumLaunch } from '../../support/chromium.ts';
import type { Evaluate } from './twin-tab.ts';

export interface RawChromium {
  open(url: string): Promise<RawTab>;
  close(): Promise<void>;
}

export interface RawTab {
  evaluate: Evaluate;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

export async function launchRawChromium(): Promise<RawChromium> {
  const profile = await mkdtemp(join(tmpdir(), 'twinkeep-raw-'));
  const { executablePath, args, env } = await chromiumLaunch();
  const child = spawn(
    executablePath,
    [...args, '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
    { env, stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const [, , , input, output] = child.stdio;
  const send = speak(input as Writable, output as Readable);
  return {
    async open(url) {
      const { targetId } = await send('Target.createTarget', { url });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      const setLifecycle = async (state: 'frozen' | 'active'): Promise<void> => {
        await send('Page.setWebLifecycleState', { state }, sessionId as string);
      };
      return {
        evaluate: (expression) => evaluate(send, sessionId as string, expression),
        freeze: () => setLifecycle('frozen'),
        thaw: () => setLifecycle('active'),
      };
    },
    async close() {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Send = (method: string, params: object, sessionId?: string) => Promise<Record<string, unknown>>;

interface Answer {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** Messages are JSON, each with a zero byte at its end. */
function speak(input: Writable, output: Readable): Send {
  const waiting = new Map<number, (answer: Answer) => void>();
  let heard = Buffer.alloc(0);
  output.on('data', (bytes: Buffer) => {
    heard = Buffer.concat([heard, bytes]);
    for (let end = heard.indexOf(0); end >= 0; end = heard.indexOf(0)) {
      const answer = JSON.parse(heard.subarray(0, end).toString()) as Answer;
      heard = heard.subarray(end + 1);
      waiting.get(answer.id ?? 0)?.(answer);
    }
  });
  let id = 0;
  return (method, params, sessionId) =>
    new Promise((resolve, reject) => {
      const own = ++id;
      waiting.set(own, ({ result, error }) => {
        waiting.delete(own);
        if (result === undefined) reject(new Error(`${method}: ${error?.message}`));
        else resolve(result);
      });
      input.write(`${JSON.stringify({ id: own, method, params, sessionId })}\0`);
    });
}

async function evaluate<T>(send: Send, sessionId: string, expression: string): Promise<T> {
  const options = { expression, awaitPromise: true, returnByValue: true };
  const { result, exceptionDetails } = (await send('Runtime.evaluate', options, sessionId)) as {
    result: { value: T };
    exceptionDetails?: { text: string; exception?: { description?: string } };
  };
  if (exceptionDetails !== undefined)
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}
