/**
 * Receipts that somebody else kept. A coordinator that leaves the last event of a history out of a pack leaves no trace in it; the customer who
 * was given a receipt for that event does. A receipt stands on the log's own signature, so that nobody can make one up.
 */
import { base64UrlToBytes, bytesToUtf8 } from '@twinkeep/audit';
import { parseConsentEvent } from '@twinkeep/consent';
import { ProtocolError, verifyConsentReceipt, type ConsentReceipt, type Trust } from '@twinkeep/protocol';
import type { Histories } from './consents.ts';
import type { Checklist } from './verdict.ts';

export interface KeptReceipt {
  /** The event as it was sent. */
  jws: string;
  receipt: ConsentReceipt;
}

/** What a pack claims to be whole about: all events of these customers below this size of the log. */
export interface Coverage {
  subjects: ReadonlySet<string>;
  size: number;
}

export function compareReceipts(
  receipts: readonly KeptReceipt[],
  histories: Histories,
  { subjects, size }: Coverage,
  trust: Trust,
  checks: Checklist,
): void {
  for (const [i, { jws, receipt }] of receipts.entries()) {
    const where = `receipt ${i + 1} (log entry ${receipt.index})`;
    try {
      verifyConsentReceipt(receipt, jws, trust.log.vkey);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      checks.leaveOpen('receipts', where, `it shows nothing: ${error.message}`);
      continue;
    }
    const subject = subjectOf(jws);
    if (subject === null || !subjects.has(subject) || receipt.index >= size)
      checks.leaveOpen(
        'receipts',
        where,
        'the pack is not about its customer, or only about what came before it',
      );
    else if (histories.get(subject)?.events.some(({ id }) => id === receipt.event) === true)
      checks.pass('receipts');
    else checks.fail('receipts', where, 'the log has this event of the customer, and the pack keeps it back');
  }
}

/** In the log, and so said by somebody; whatever it is, it is of nobody if it does not say of whom. */
function subjectOf(jws: string): string | null {
  try {
    return parseConsentEvent(JSON.parse(bytesToUtf8(base64UrlToBytes(jws.split('.')[1] ?? '')))).subject;
  } catch {
    return null;
  }
}
