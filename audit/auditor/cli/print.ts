import {
  bytesToBase64,
  ExportError,
  vkeyToNoteKey,
  type AuditError,
  type ExportReport,
} from '@twinkeep/audit';

const MAX_MESSAGE = 500;

export function reportToText(report: ExportReport, vkey: string): string {
  const { name, id } = vkeyToNoteKey(vkey);
  const facts: [string, string][] = [
    ['log', report.origin],
    ['signed by', `${name}+${id}`],
    ['entries', `${report.size}, all present and in order`],
    ['root', bytesToBase64(report.root)],
    ['bodies', `${report.disclosed} disclosed, each the one that its entry commits to`],
  ];
  if (report.earlierSize !== undefined) {
    facts.push(['continues', `the earlier checkpoint of ${report.earlierSize} entries, unchanged`]);
  }
  const types = Object.entries(report.types).map(([type, count]): [string, string] => [type, String(count)]);
  return `Verified.\n${table(facts)}Entries by type:\n${table(types)}`;
}

export function failureToText(error: AuditError, file: string): string {
  const where = error instanceof ExportError ? `${file}, line ${error.line}` : 'the earlier checkpoint';
  return `NOT verified.\n  ${where}: ${quotable(error.message)}\n`;
}

export function reportToJson({ root, ...report }: ExportReport): string {
  return `${JSON.stringify({ verified: true, ...report, root: bytesToBase64(root) })}\n`;
}

export function failureToJson(error: AuditError): string {
  const where = error instanceof ExportError ? { line: error.line } : {};
  return `${JSON.stringify({ verified: false, code: error.code, ...where, message: error.message })}\n`;
}

/** A message may quote the file, whose author must not get to drive the reader's terminal. */
export function quotable(message: string): string {
  return message.slice(0, MAX_MESSAGE).replaceAll(/\p{C}/gu, '?');
}

export function table(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}\n`).join('');
}
