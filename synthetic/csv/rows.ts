/**
 * CSV (RFC 4180) from bytes to rows, one at a time: memory holds a chunk and a row, however long the file is. Whoever made the file is
 * not trusted: rows are bounded, text that is not UTF-8 is refused, and every refusal says in which row.
 */
import { SyntheticError } from '../error.ts';

export interface CsvRow {
  /** The header is row 0, the first row of data 1; a line break within quotes begins no row. */
  row: number;
  cells: string[];
}

const MAX_ROW_CHARACTERS = 1_000_000;
const NEWLINE = 0x0a;

/** @throws SyntheticError 'synthetic/data' with file and row */
export async function* readRows(
  chunks: AsyncIterable<Uint8Array>,
  separator: string,
  file: string,
): AsyncGenerator<CsvRow, void, void> {
  const parser = createParser(separator, file);
  for await (const { text } of readLines(chunks, file, parser.rowsSoFar)) yield* parser.push(text);
  yield* parser.end();
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
  push(text: string): Generator<CsvRow, void, void>;
  end(): Generator<CsvRow, void, void>;
  rowsSoFar(): number;
}

/** A state machine over characters; a row may begin in one text and end in another. */
function createParser(separator: string, file: string): Parser {
  let row = 0;
  let cells: string[] = [];
  let cell = '';
  let size = 0;
  /** `closed`: a quoted cell has ended and only a separator or a line end may follow. */
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';

  const fail = (message: string): SyntheticError =>
    new SyntheticError('synthetic/data', message, { file, row });
  const endCell = (): void => {
    cells.push(cell);
    cell = '';
    state = 'start';
  };
  const endRow = (): CsvRow | null => {
    // A line without anything is no row.
    const empty = cells.length === 0 && cell === '' && state === 'start';
    endCell();
    const ended = empty ? null : { row, cells };
    if (ended !== null) row++;
    cells = [];
    size = 0;
    return ended;
  };

  return {
    rowsSoFar: () => row,
    *push(text) {
      for (let i = 0; i < text.length; i++) {
        const character = text[i] as string;
        if (++size > MAX_ROW_CHARACTERS) throw tooLong(file, row);
        if (state === 'quoted') {
          if (character !== '"') cell += character;
          else if (text[i + 1] === '"') cell += text[++i] as string;
          else state = 'closed';
        } else if (character === separator) endCell();
        else if (character === '\n' || (character === '\r' && text[i + 1] === '\n')) {
          if (character === '\r') i++;
          const ended = endRow();
          if (ended !== null) yield ended;
        } else if (state === 'closed') throw fail('has text after a closing quote');
        else if (character === '"' && state === 'start') state = 'quoted';
        else {
          // Quotes within a cell that does not begin with one are text.
          cell += character;
          state = 'plain';
        }
      }
    },
    *end() {
      if (state === 'quoted') throw fail('has an opening quote that is never closed');
      const ended = endRow();
      if (ended !== null) yield ended;
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
