/**
 * A file cut into pieces that threads read by themselves, each with whole rows: byte ranges of CSV and NDJSON, row ranges of Parquet. Where a
 * CSV row ends is known only to who has read all quotes before it, so the cuts are found once, in order, and kept.
 */
import { createReadStream } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import {
  formatOf,
  openCsv,
  openNdjson,
  openParquet,
  SyntheticError,
  type Format,
  type RandomAccess,
  type Records,
  type TextRow,
} from '@twinkeep/synthetic/formats';
import { UsageError } from './command.ts';

const READ_SIZE = 256 * 1024;
const PIECE_BYTES = 1024 * 1024;
const PIECE_ROWS = 20_000;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

export interface InputFile {
  file: string;
  format: Format;
  names: readonly string[];
  /** Of a CSV file. */
  separator: string;
  /** Bytes and time of the last change: another value means another file. */
  state: string;
}

/** Of bytes of CSV or NDJSON without its header, or of rows of Parquet, counted from 0. */
export interface Piece {
  from: number;
  to: number;
}

/** `format`: default by the name. @throws UsageError for a name of no known format, SyntheticError for a file without a header */
export async function openInput(file: string, format: Format | null = formatOf(file)): Promise<InputFile> {
  if (format === null) throw new UsageError(`${file}: ends in none of .csv, .ndjson, .jsonl, .parquet`);
  const state = await stateOf(file);
  if (format === 'parquet') {
    const { names } = await withAccess(file, (access) => openParquet(access, { file }));
    return { file, format, names, separator: '', state };
  }
  const chunks = readBytes(file, 0, Infinity);
  const records = format === 'csv' ? await openCsv(chunks, { file }) : await openNdjson(chunks, { file });
  await chunks.return();
  const separator = 'separator' in records ? (records.separator as string) : '';
  return { file, format, names: records.names, separator, state };
}

/** @throws SyntheticError where the file is no longer what it was */
export async function checkUnchanged({ file, state }: InputFile): Promise<void> {
  if ((await stateOf(file)) !== state)
    throw new SyntheticError('synthetic/data', 'changed while it was read', { file });
}

async function stateOf(file: string): Promise<string> {
  const { size, mtimeMs } = await stat(file);
  return `${size} ${mtimeMs}`;
}

/** All rows of the file, as one stream. */
export async function openAll(input: InputFile): Promise<Records> {
  const { file, format } = input;
  if (format === 'parquet') return withRows(input, { from: 0, to: Infinity });
  const chunks = readBytes(file, 0, Infinity);
  return format === 'csv' ? openCsv(chunks, input) : openNdjson(chunks, input);
}

/** The rows of one piece; the first is row 1, wherever the piece lies. */
export async function openPiece(input: InputFile, piece: Piece): Promise<Records> {
  const { file, format, names, separator } = input;
  if (format === 'parquet') {
    return { names, batches: shifted(withRows(input, piece).batches, piece.from) };
  }
  const bytes = readBytes(file, piece.from, piece.to);
  if (format === 'ndjson') return openNdjson(bytes, { file, names });
  return openCsv(withHeader(names, separator, bytes), { file, separator });
}

async function* shifted(
  batches: Records['batches'],
  by: number,
): AsyncGenerator<readonly TextRow[], void, void> {
  for await (const batch of batches) yield batch.map(({ row, cells }) => ({ row: row - by, cells }));
}

async function* withHeader(
  names: readonly string[],
  separator: string,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const header = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(separator);
  yield new TextEncoder().encode(`${header}\n`);
  yield* bytes;
}

async function* readBytes(file: string, from: number, to: number): AsyncGenerator<Uint8Array, void, void> {
  if (to <= from) return;
  const stream = createReadStream(file, { start: from, end: to - 1, highWaterMark: READ_SIZE });
  for await (const chunk of stream) yield chunk as Uint8Array;
}

async function withAccess<T>(file: string, use: (access: RandomAccess) => Promise<T>): Promise<T> {
  const handle = await open(file);
  try {
    return await use(await handleToAccess(handle, file));
  } finally {
    await handle.close();
  }
}

/** The rows of a Parquet file; it is closed when they are read or left. */
function withRows({ file, names }: InputFile, { from, to }: Piece): Records {
  async function* batches(): AsyncGenerator<readonly TextRow[], void, void> {
    const handle = await open(file);
    try {
      const found = await openParquet(await handleToAccess(handle, file), { file, from, to });
      yield* found.batches;
    } finally {
      await handle.close();
    }
  }
  return { names, batches: batches() };
}

async function handleToAccess(handle: FileHandle, file: string): Promise<RandomAccess> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) throw new SyntheticError('synthetic/data', 'ends too early', { file });
        at += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

/** Where the file is cut. Memory holds a chunk and the cuts. */
export async function cutFile(input: InputFile): Promise<Piece[]> {
  const { file, format } = input;
  if (format === 'parquet') {
    const { size } = await withAccess(file, (access) => openParquet(access, { file }));
    return Array.from({ length: Math.ceil(size / PIECE_ROWS) }, (_, i) => ({
      from: i * PIECE_ROWS,
      to: Math.min(size, (i + 1) * PIECE_ROWS),
    }));
  }
  const finder = format === 'csv' ? createRowEnds(input.separator) : createLineEnds();
  const pieces: Piece[] = [];
  let at = 0;
  // The header is no row, and lines without anything before it are none either.
  let from = format === 'csv' ? -1 : 0;
  let blank = true;
  for await (const chunk of readBytes(file, 0, Infinity)) {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      blank &&= byte === NEWLINE || byte === RETURN;
      if (!finder(byte)) continue;
      const end = at + i + 1;
      if (from < 0) {
        if (!blank) from = end;
      } else if (end - from >= PIECE_BYTES) {
        pieces.push({ from, to: end });
        from = end;
      }
    }
    at += chunk.length;
  }
  if (from >= 0 && at > from) pieces.push({ from, to: at });
  return pieces;
}

/** Tells of every byte whether a row ends with it: as the reader of CSV does, which decides what a quote means. */
function createRowEnds(separator: string): (byte: number) => boolean {
  const [quote, separates] = [0x22, separator.charCodeAt(0)];
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  return (byte) => {
    if (state === 'quoted') {
      if (byte === quote) state = 'closed';
    } else if (byte === quote) state = state === 'plain' ? 'plain' : 'quoted';
    else if (byte === separates) state = 'start';
    else if (byte === NEWLINE) {
      state = 'start';
      return true;
    } else state = 'plain';
    return false;
  };
}

function createLineEnds(): (byte: number) => boolean {
  return (byte) => byte === NEWLINE;
}
