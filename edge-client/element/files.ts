/** What a person takes along, as files that need nothing of Twinkeep to be read. */
import { eventToReceipt, type ExportParties } from '@twinkeep/consent';
import type { ConsentReceiptView, TwinExport } from '../twin/types.ts';

export interface SavedFile {
  name: string;
  text: string;
}

/**
 * The signed event with its place in the log: who holds both can prove what was chosen, and when. Where the host app has said who the
 * parties are, the same as a receipt after ISO/IEC TS 27560, in JSON-LD.
 * @param now milliseconds
 */
export function receiptFile(
  { id, jws, event, receipt }: ConsentReceiptView,
  parties: ExportParties | undefined,
  now: number,
): SavedFile {
  const day = event.event.at.slice(0, 10);
  const short = id.slice('sha-256:'.length, 'sha-256:'.length + 8);
  const file = { format: 'urn:twinkeep:consent-receipt:1', id, jws, receipt, event };
  const name = `consent-receipt-${day}-${short}.json`;
  if (parties === undefined || receipt === null) return { name, text: toText(file) };
  const logged = { id, event, index: receipt.index, receivedAt: loggedAt(receipt.leaf) };
  const proof = { receiptId: id, createdAt: now, jws, tlogProof: receipt.proof };
  const iso27560 = eventToReceipt(logged, proof, parties);
  return { name, text: toText({ ...file, iso27560 }) };
}

/** @returns milliseconds; a leaf tells the time of its entry to the minute */
function loggedAt(leaf: string): number {
  const { at } = JSON.parse(atob(leaf.replaceAll('-', '+').replaceAll('_', '/'))) as { at: string };
  return Date.parse(at);
}

export function exportFile(data: TwinExport): SavedFile {
  return { name: `twin-${data.at.slice(0, 10)}.json`, text: toText(data) };
}

/** Milliseconds for which a browser may still be reading. */
const READING = 10_000;

/** @returns the name under which it is saved */
export function saveFile({ name, text }: SavedFile): string {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), READING);
  return name;
}

function toText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
