/**
 * CSV (RFC 4180) from bytes to rows, one at a time: memory holds a chunk and a row, however long the file is. Whoever made the file is
 * not trusted: rows are bounded, text that is not UTF-8 is refused, and every refusal says in which row.
 */
import { SyntheticError } from '../error.ts';
import type { TextRow } from '../formats/records.ts';

const MAX_ROW_CHARACTERS = 1_000_000;
const NEWLINE = 0x0a;

/**
 * Batches of at least one row; the header is row 0, the first row of data 1; a line break within quotes begins no row.
 *
 * @throws SyntheticError 'synthetic/data' with file and row; the rows before it have been given out
 */
export async function* readRows(
  chunks: AsyncIterable<Uint8Array>,
  separator: string,
  file: string,
): AsyncGenerator<TextRow[], void, void> {
  const parser = createParser(separator, file);
  for await (const { text } of readLines(chunks, file, parser.rowsSoFar)) {
    const { rows, error } = parser.push(text);
    if (rows.length > 0) yield rows;
    if (error !== null) throw error;
  }
  const rows = parser.end();
  if (rows.length > 0) yield rows;
}

/** Whole lines as text. `rowsSoFar`: the number of the row that the next bytes begin or go on. Bytes are cut at line ends, which are no part of any other UTF-8 character. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
  rowsSoFar: () => number,
): AsyncGenerator<{ text: string }, void, void> {
  let rest: Uint8Array = new Uint8Array();
  let first = true;
  for await (const chunk of chunks) {
    const bytes = joined(rest, chunk);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    rest = bytes.subarray(end);
    if (rest.length > 4 * MAX_ROW_CHARACTERS) throw tooLong(file, rowsSoFar());
    if (end === 0) continue;
    yield { text: decode(bytes.subarray(0, end), first, file, rowsSoFar) };
    first = false;
  }
  if (rest.length > 0) yield { text: decode(rest, first, file, rowsSoFar) };
}

function decode(bytes: Uint8Array, first: boolean, file: string, rowsSoFar: () => number): string {
  if (first && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)))
    throw new SyntheticError('synthetic/data', 'is UTF-16; save it as UTF-8', { file });
  // A byte order mark at the beginning is dropped, one elsewhere is text.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: !first });
  try {
    return decoder.decode(bytes);
  } catch {
    throw new SyntheticError('synthetic/data', 'is not UTF-8 from here on; save the whole file as UTF-8', {
      file,
      row: rowsSoFar() + badLine(bytes),
    });
  }
}

/** Which of the lines, from 0, is the first that is not UTF-8. */
function badLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let from = 0;
  for (let line = 0; ; line++) {
    const end = bytes.indexOf(NEWLINE, from) + 1;
    try {
      decoder.decode(bytes.subarray(from, end === 0 ? undefined : end));
    } catch {
      return line;
    }
    if (end === 0) return line;
    from = end;
  }
}

interface Parser {
  /** What is wrong comes after the rows before it. */
  push(text: string): { rows: TextRow[]; error: SyntheticError | null };
  /** @throws SyntheticError */
  end(): TextRow[];
  rowsSoFar(): number;
}

const QUOTE = 0x22;
const RETURN = 0x0d;

/** A state machine over characters; a row may begin in one text and end in another. */
function createParser(separator: string, file: string): Parser {
  const separates = separator.charCodeAt(0);
  let row = 0;
  let cells: string[] = [];
  /** The parts of the cell that came before the one being read. */
  let cell = '';
  /** Characters of the row that came before this text, and where in this text it begins. */
  let carried = 0;
  let began = 0;
  /** `closed`: a quoted cell has ended and only a separator or a line end may follow. */
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  let rows: TextRow[] = [];

  const fail = (message: string): SyntheticError =>
    new SyntheticError('synthetic/data', message, { file, row });
  const endCell = (): void => {
    cells.push(cell);
    cell = '';
    state = 'start';
  };
  const endRow = (next: number): void => {
    // A line without anything is no row.
    const empty = cells.length === 0 && cell === '' && state === 'start';
    endCell();
    if (!empty) rows.push({ row: row++, cells });
    cells = [];
    carried = 0;
    began = next;
  };

  /** Reads on from `i` to the end of what its state lets through, and returns where that is. */
  const plainEnd = (text: string, from: number): number => {
    let i = from;
    for (; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === separates || code === NEWLINE) break;
      if (code === RETURN && text.charCodeAt(i + 1) === NEWLINE) break;
    }
    return i;
  };

  const read = (text: string): SyntheticError | null => {
    for (let i = 0; i < text.length;) {
      if (carried + i - began > MAX_ROW_CHARACTERS) return tooLong(file, row);
      const code = text.charCodeAt(i);
      if (state === 'quoted') {
        const quote = text.indexOf('"', i);
        const end = quote < 0 ? text.length : quote;
        cell += text.slice(i, end);
        if (quote < 0) i = end;
        else if (text.charCodeAt(quote + 1) === QUOTE) {
          cell += '"';
          i = quote + 2;
        } else {
          state = 'closed';
          i = quote + 1;
        }
      } else if (code === separates) {
        endCell();
        i++;
      } else if (code === NEWLINE || (code === RETURN && text.charCodeAt(i + 1) === NEWLINE)) {
        i += code === NEWLINE ? 1 : 2;
        endRow(i);
      } else if (state === 'closed') return fail('has text after a closing quote');
      else if (code === QUOTE && state === 'start') {
        state = 'quoted';
        i++;
      } else {
        // Quotes within a cell that does not begin with one are text.
        const end = plainEnd(text, i);
        cell += text.slice(i, end);
        state = 'plain';
        i = end;
      }
    }
    carried += text.length - began;
    began = 0;
    return carried > MAX_ROW_CHARACTERS ? tooLong(file, row) : null;
  };

  return {
    rowsSoFar: () => row,
    push(text) {
      rows = [];
      const error = read(text);
      return { rows, error };
    },
    end() {
      rows = [];
      if (state === 'quoted') throw fail('has an opening quote that is never closed');
      endRow(0);
      return rows;
    },
  };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function tooLong(file: string, row: number): SyntheticError {
  return new SyntheticError('synthetic/data', `is longer than ${MAX_ROW_CHARACTERS} characters`, {
    file,
    row,
  });
}
