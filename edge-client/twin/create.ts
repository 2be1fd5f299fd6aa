/**
 * The page's half of a twin: it passes calls to the worker and events to listeners, and does nothing that takes time. The twin itself
 * (storage, features, consent, rounds, predictions) lives in the worker, so that neither a refold nor a proof ever holds up the page.
 */
import { persistDexieStore } from '../store/dexie/place.ts';
import { createCaller, type Caller } from './caller.ts';
import { UNANSWERED, type CallAnswer, type CallInput, type CallName } from './calls.ts';
import { TwinError } from './errors.ts';
import { createListeners } from './listeners.ts';
import { watchPage, type WatchConditions } from './page.ts';
import { refused } from './reasons.ts';
import type { RoundState, Twin, TwinConsent, TwinOptions, TwinStatus } from './types.ts';

/** Parameters for compositions of one's own, and for tests outside a browser. */
export interface TwinPage {
  watchConditions: WatchConditions;
}

/**
 * Starts a twin, or finds out that it cannot live here: then `status()` and every answer say why.
 * @throws TwinError 'twin/options' where an option cannot work
 */
export async function createTwin(
  { credential, worker, ...settings }: TwinOptions,
  { watchConditions }: TwinPage = { watchConditions: watchPage },
): Promise<Twin> {
  const listeners = createListeners();
  const rounds = new Map<string, RoundState>();
  let status: TwinStatus = { state: 'unavailable', ...refused('worker-lost') };
  listeners.add('status', (now) => void (status = now));
  listeners.add('round', (state) => void rounds.set(state.task, state));

  const caller = createCaller(worker, { credential, emit: listeners.emit });
  let conditions: CallInput<'open'>[1] = { online: true, metered: false, battery: null, asleep: false };
  const unwatch = watchConditions((now) => {
    conditions = now;
    caller.post({ kind: 'conditions', conditions });
  });
  const opened = await caller.call('open', settings, conditions);
  if ('options' in opened) {
    unwatch();
    caller.end();
    throw new TwinError('twin/options', opened.options);
  }
  status = opened.status;
  caller.post({ kind: 'conditions', conditions });

  /** A twin that cannot live here may still be erased, and closed. */
  const ask = async <Name extends CallName>(
    name: Name,
    ...input: CallInput<Name>
  ): Promise<CallAnswer<Name>> => {
    if (status.state === 'unavailable' && name !== 'erase' && name !== 'close')
      return UNANSWERED[name](status.reason, status.detail) as CallAnswer<Name>;
    return caller.call(name, ...input);
  };

  return {
    deviceKey: opened.deviceKey,
    notice: settings.notice,
    status: () => status,
    record: (event) => ask('record', event),
    consent: consentOf(ask),
    participate() {
      void ask('participate');
      return {
        rounds: () => [...rounds.values()],
        stop: async () => void (await ask('stop')),
      };
    },
    predict: (task) => ask('predict', task),
    explain: (task) => ask('explain', task),
    on(name, listener) {
      const remove = listeners.add(name, listener);
      const tellNeed = (): void => {
        const predictions = listeners.has('prediction') || listeners.has('activation');
        caller.post({ kind: 'listening', predictions });
      };
      tellNeed();
      return () => {
        remove();
        tellNeed();
      };
    },
    async persist() {
      if (opened.database === null) return false;
      return persistDexieStore(opened.database).catch(() => false);
    },
    export: () => ask('export'),
    erase: () => ask('erase'),
    async close() {
      await ask('close');
      unwatch();
      caller.end();
      if (status.state !== 'unavailable') status = { state: 'unavailable', ...refused('closed') };
    },
  };
}

function consentOf(ask: Caller['call']): TwinConsent {
  return {
    cells: () => ask('cells'),
    grant: (choice = {}) => ask('grant', choice),
    refuse: (choice = {}) => ask('refuse', choice),
    withdraw: (choice = {}) => ask('withdraw', choice),
    receipts: () => ask('receipts'),
  };
}
