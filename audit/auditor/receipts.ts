/**
 * Receipts that somebody else kept. A coordinator that leaves the last event of a history out of a pack leaves no trace in it; the customer who
 * was given a receipt for that event does. A receipt stands on the log's own signature, so that nobody can make one up.
 */
import { base64UrlToBytes, bytesToUtf8 } from '@twinkeep/audit';
import { parseConsentEvent, ConsentError } from '@twinkeep/consent';
import { ProtocolError, verifyConsentReceipt, type ConsentReceipt, type Trust } from '@twinkeep/protocol';
import type { Histories } from './consents.ts';
import type { VerifiedLog } from './log.ts';
import type { Checklist } from './verdict.ts';

export interface KeptReceipt {
  /** The event as it was sent. */
  jws: string;
  receipt: ConsentReceipt;
}

export function compareReceipts(
  receipts: readonly KeptReceipt[],
  histories: Histories,
  log: VerifiedLog,
  trust: Trust,
  checks: Checklist,
): void {
  for (const [i, { jws, receipt }] of receipts.entries()) {
    const where = `receipt ${i + 1} (log entry ${receipt.index})`;
    try {
      verifyConsentReceipt(receipt, jws, trust.log.vkey);
      const { subject } = parseConsentEvent(
        JSON.parse(bytesToUtf8(base64UrlToBytes(jws.split('.')[1] ?? ''))),
      );
      const history = histories.get(subject);
      if (history === undefined || receipt.index >= log.checkpoint.size) {
        checks.leaveOpen('receipts', where, 'the pack is not about its customer, or is older than it');
        continue;
      }
      if (history.events.some(({ id }) => id === receipt.event)) checks.pass('receipts');
      else
        checks.fail('receipts', where, 'the log has this event of the customer, and the pack keeps it back');
    } catch (error) {
      if (!(error instanceof ProtocolError) && !(error instanceof ConsentError)) throw error;
      checks.leaveOpen('receipts', where, `it shows nothing: ${error.message}`);
    }
  }
}
