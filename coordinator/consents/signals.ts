/**
 * Global Privacy Control: a browser that sends `Sec-GPC: 1` tells its user's wish that nothing be sold or shared. It is recorded as the
 * controller's own event, with the header as it came, and it only ever narrows. Once for each device: sent with every request, it would undo every
 * later choice of the subject; a specific yes after it stands. Pages cannot set or forge the header.
 */
import { bytesToBase64Url, utf8ToBytes } from '@twinkeep/audit';
import { CATEGORIES, ANY_PURPOSE, OPERATIONS, type Operation } from '@twinkeep/consent';
import type { Credential } from '@twinkeep/protocol';
import { nativeSha256 } from '../log/journal.ts';
import { insertSignal, isSpokenFor } from '../store/signals.ts';
import { logConsents } from './append.ts';
import type { OfficerDeps } from './officers.ts';

export interface Signal {
  gpc: string;
  userAgent: string;
}

export type RecordSignal = (device: Credential, signal: Signal) => Promise<void>;

/** What the signal means by itself. */
const OUTWARD: readonly Operation[] = ['share', 'sell', 'activate_third_party'];

/** @param profiling the controller takes the signal for an objection to profiling too (GDPR Article 21(5)): training stops with it */
export function createSignals(deps: OfficerDeps, profiling: boolean): RecordSignal {
  const operations = profiling ? OPERATIONS : OUTWARD;
  return async ({ sub, jkt }, { gpc, userAgent }) => {
    // The only value that is defined. No header says nothing: not even that there is no objection.
    if (gpc !== '1') return;
    await deps.runTx('signal', async (tx) => {
      if (!(await isSpokenFor(tx, sub)) || !(await insertSignal(tx, sub, jkt))) return;
      const said = deps.voice.say(tx, sub, {
        type: 'signal',
        cells: [{ categories: [...CATEGORIES], purpose: ANY_PURPOSE, operations: [...operations] }],
        method: 'sec-gpc',
        signal: { kind: 'gpc', value: gpc, profiling },
        evidence: [
          { kind: 'device', value: jkt },
          { kind: 'user-agent-sha256', value: bytesToBase64Url(nativeSha256(utf8ToBytes(userAgent))) },
        ],
      });
      const [settled] = await logConsents(tx, deps, [said], deps.clock());
      if (settled?.ok === false) throw settled.error;
    });
  };
}
