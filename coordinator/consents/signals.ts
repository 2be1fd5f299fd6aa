/**
 * Global Privacy Control: a browser that sends `Sec-GPC: 1` tells its user's wish that nothing be sold or shared. It is recorded as the
 * controller's own event, with the header as it came, and it only ever narrows. Once for each device: sent with every request, it would undo every
 * later choice of the subject; a specific yes after it stands. Pages cannot set or forge the header.
 */
import { bytesToBase64Url, utf8ToBytes } from '@twinkeep/audit';
import type { Credential } from '@twinkeep/protocol';
import { nativeSha256 } from '../log/journal.ts';
import { hasSignal, insertSignal, isSpokenFor } from '../store/signals.ts';
import { logConsents } from './append.ts';
import type { OfficerDeps } from './officers.ts';

export interface Signal {
  gpc: string;
  userAgent: string;
}

export type RecordSignal = (device: Credential, signal: Signal) => Promise<void>;

/** @param profiling the controller takes the signal for an objection to profiling too (GDPR Article 21(5)): training stops with it */
export function createSignals(deps: OfficerDeps, profiling: boolean): RecordSignal {
  const { db, runTx, journal, voice, clock } = deps;
  return async ({ sub, jkt }, { gpc, userAgent }) => {
    // The only value that is defined. No header says nothing: not even that there is no objection.
    if (gpc !== '1' || !(await isSpokenFor(db, sub)) || (await hasSignal(db, sub, jkt))) return;
    await runTx('signal', async (tx) => {
      await journal.lock(tx);
      if (!(await isSpokenFor(tx, sub)) || !(await insertSignal(tx, sub, jkt))) return;
      const said = voice.say(tx, sub, {
        type: 'signal',
        method: 'sec-gpc',
        members: { signal: { kind: 'gpc', value: gpc, profiling } },
        evidence: [
          { kind: 'device', value: jkt },
          { kind: 'user-agent-sha256', value: bytesToBase64Url(nativeSha256(utf8ToBytes(userAgent))) },
        ],
      });
      const [settled] = await logConsents(tx, deps, [said], clock());
      if (settled?.ok === false) throw settled.error;
    });
  };
}
