/** UTF-8 or nothing: a file in another encoding would turn names and words of a vocabulary into others without a sound. */
import type { Readable } from 'node:stream';
import { RegionError } from '../errors.ts';

const MAX_LINE_CHARACTERS = 262_144;

/** A leading byte order mark is dropped. @throws RegionError 'import/encoding' with the line, 'import/unreadable' */
export async function* readText(bytes: Readable, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  const decode = (chunk?: Uint8Array): string => {
    try {
      const text = chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
      const nul = text.indexOf('\0');
      if (nul >= 0) throw encodingError(name, line + newlines(text.slice(0, nul)));
      line += newlines(text);
      return text;
    } catch (error) {
      if (error instanceof RegionError) throw error;
      const readable = new TextDecoder().decode(chunk ?? new Uint8Array());
      throw encodingError(name, line + newlines(readable.slice(0, Math.max(0, readable.indexOf('\ufffd')))));
    }
  };
  try {
    for await (const chunk of bytes) yield decode(chunk as Uint8Array);
  } catch (error) {
    if (error instanceof RegionError) throw error;
    throw new RegionError(
      'import/unreadable',
      `${name}: ${(error as NodeJS.ErrnoException).code ?? 'read error'}`,
      {
        cause: error,
      },
    );
  }
  yield decode();
}

/** Lines with the character that ends them. @throws as `readText` */
export async function* readLines(bytes: Readable, name: string): AsyncGenerator<string> {
  let rest = '';
  for await (const text of readText(bytes, name)) {
    const lines = (rest + text).split(/(?<=\n)/);
    rest = lines.at(-1)?.endsWith('\n') === true ? '' : (lines.pop() ?? '');
    yield* lines;
    if (rest.length > MAX_LINE_CHARACTERS)
      throw new RegionError(
        'import/format',
        `${name}: a line is longer than ${MAX_LINE_CHARACTERS} characters`,
      );
  }
  if (rest !== '') yield rest;
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function encodingError(name: string, line: number): RegionError {
  return new RegionError(
    'import/encoding',
    `${name}, line ${line}: this is not UTF-8; save the file as UTF-8 and import it again`,
  );
}
