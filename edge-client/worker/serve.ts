/** The worker's end of the line to its page. Every call is answered, whatever happens inside: nothing throws into the host app. */
import {
  UNANSWERED,
  type CallName,
  type Conditions,
  type FromWorker,
  type ToWorker,
  type TwinSettings,
} from '../twin/calls.ts';
import { refused } from '../twin/reasons.ts';
import type { TwinStatus, Unavailable } from '../twin/types.ts';
import type { Platform } from './platform.ts';
import { checkSettings, type CheckedSettings } from './settings.ts';
import { isFinal, unavailableOf } from './trouble.ts';
import { openTwin, OtherPersonError, type OpenedTwin } from './twin.ts';

/** What is used of a dedicated worker's scope, or of a port that stands in for it. */
export interface PageLine {
  postMessage(message: FromWorker): void;
  addEventListener(name: 'message', listener: (event: { data: ToWorker }) => void): void;
}

export function serveTwin(line: PageLine, platform: Platform): void {
  let twin: OpenedTwin | null = null;
  let settings: CheckedSettings | null = null;
  let conditions: Conditions | null = null;
  let listening = false;
  /** How things stand without a twin. */
  let closed: TwinStatus = { state: 'unavailable', ...refused('closed') };
  const questions = new Map<number, (token: string | null) => void>();
  let asked = 0;

  const tellStatus = (status: TwinStatus): void =>
    line.postMessage({ kind: 'event', name: 'status', event: status });

  const open = async (raw: TwinSettings, given: Conditions): Promise<unknown> => {
    const checked = checkSettings(raw);
    if ('wrong' in checked) return { options: checked.wrong };
    settings = checked;
    twin = await openTwin(checked, {
      platform,
      conditions: conditions ?? given,
      emit: (name, event) => line.postMessage({ kind: 'event', name, event } as FromWorker),
      askCredential: (deviceKey) =>
        new Promise((resolve) => {
          const id = asked++;
          questions.set(id, resolve);
          line.postMessage({ kind: 'ask-credential', id, deviceKey });
        }),
    });
    if (conditions !== null) twin.conditions.set(conditions);
    twin.listening(listening);
    return { status: twin.status(), deviceKey: twin.deviceKey, database: checked.name };
  };

  const answer = async (name: CallName, input: readonly unknown[]): Promise<unknown> => {
    if (name === 'open') return open(...(input as [TwinSettings, Conditions]));
    const state = twin?.status() ?? closed;
    if (name === 'erase' && isBroken(state)) return clearAway();
    if (twin === null || state.state === 'unavailable') return unanswered(name, state);
    if (state.state === 'erasing' && name !== 'erase' && name !== 'close') return UNANSWERED[name]('erased');
    return (twin[name] as (...input: readonly unknown[]) => Promise<unknown>)(...input);
  };

  /** What cannot be opened or read can still be cleared away. No withdrawal is sent: the key that would sign it is gone too. */
  const clearAway = async (): Promise<unknown> => {
    if (settings === null) return UNANSWERED.erase('closed');
    await platform.destroyStore(settings.name);
    closed = { state: 'unavailable', ...refused('erased') };
    tellStatus(closed);
    return { erased: true, withdrawn: false };
  };

  const answerAnyway = async (name: CallName, input: readonly unknown[]): Promise<unknown> => {
    try {
      return await answer(name, input);
    } catch (error) {
      const { reason, detail } = reasonOf(error);
      if (twin === null) closed = { state: 'unavailable', ...refused(reason, detail) };
      else if (isFinal(reason)) await twin.end(reason, detail);
      // What turned out to be broken by that is cleared away after all.
      const again = name === 'erase' && twin !== null && reason === 'storage-corrupt';
      return again ? answerAnyway(name, input) : UNANSWERED[name](reason, detail);
    }
  };

  line.addEventListener('message', ({ data }) => {
    if (data.kind === 'call') {
      void answerAnyway(data.name, data.input).then((value) =>
        line.postMessage({ kind: 'answer', id: data.id, answer: value }),
      );
    } else if (data.kind === 'conditions') {
      conditions = data.conditions;
      twin?.conditions.set(data.conditions);
    } else if (data.kind === 'listening') {
      listening = data.predictions;
      twin?.listening(listening);
    } else {
      questions.get(data.id)?.(data.token);
      questions.delete(data.id);
    }
  });
}

/** Neither erased already, nor closed, nor somebody else's. */
function isBroken(status: TwinStatus): boolean {
  return status.state === 'unavailable' && !['closed', 'erased', 'other-person'].includes(status.reason);
}

function unanswered(name: CallName, status: TwinStatus): unknown {
  return status.state === 'unavailable'
    ? UNANSWERED[name](status.reason, status.detail)
    : UNANSWERED[name]('closed');
}

function reasonOf(error: unknown): { reason: Unavailable; detail: string } {
  if (error instanceof OtherPersonError) return { reason: 'other-person', detail: 'another pseudonym' };
  return unavailableOf(error);
}
