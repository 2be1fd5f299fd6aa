/** What a person takes along, as files that need nothing of Twinkeep to be read. */
import type { ConsentReceiptView, TwinExport } from '../twin/types.ts';

export interface SavedFile {
  name: string;
  text: string;
}

/** The signed event with its place in the log: who holds both can prove what was chosen, and when. */
export function receiptFile({ id, jws, event, receipt }: ConsentReceiptView): SavedFile {
  const day = event.event.at.slice(0, 10);
  const short = id.slice('sha-256:'.length, 'sha-256:'.length + 8);
  return {
    name: `consent-receipt-${day}-${short}.json`,
    text: toText({ format: 'urn:twinkeep:consent-receipt:1', id, jws, receipt, event }),
  };
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
