// The log as one file that anyone can verify with the log's public key alone. Lines of UTF-8, each ended by one newline:
//
//   canonical JSON {checkpoint, disclosed, format, origin}     the signed checkpoint; how many bodies are disclosed
//   base64(leaf)                                               one for each leaf, in order
//   canonical JSON {body, leaf, salt}                          after a leaf whose body is public
//
// Every byte has one spelling and is bound: the checkpoint by its signature, the leaves by its root, a body and its salt
// by the commitment in the leaf above it, the number of bodies by a count. Nothing here is secret; a body is disclosed
// only if it is about no person (a task, a round's configuration, its set, its result).

import { bytesToBase64, bytesToBase64Url } from './bytes.ts';
import { canonicalJson } from './canon.ts';
import { AuditError } from './errors.ts';
import { verifyCommitment } from './leaf.ts';
import type { LogHead } from './store.ts';

export const EXPORT_FORMAT = 'twinkeep-log-export/1';

/** A leaf, and where it is public, the body and the 32-byte salt that it commits to. */
export interface ExportEntry {
  leaf: Uint8Array;
  disclosure?: { body: unknown; salt: Uint8Array };
}

/**
 * Yields the file line by line, newlines included. `entries` are the leaves 0 ..< head.size in order, of which
 * `disclosed` have a disclosure. Throws `export/disagrees` where a disclosure is not what its leaf commits to, or where
 * leaves or disclosures are not as many as announced: what was yielded until then verifies nowhere.
 */
export async function* exportLog({
  head,
  origin,
  disclosed,
  entries,
}: {
  head: LogHead;
  origin: string;
  disclosed: number;
  entries: AsyncIterable<ExportEntry> | Iterable<ExportEntry>;
}): AsyncGenerator<string, void, undefined> {
  yield `${canonicalJson({ format: EXPORT_FORMAT, origin, checkpoint: head.note, disclosed })}\n`;
  let index = 0;
  let bodies = 0;
  for await (const { leaf, disclosure } of entries) {
    yield `${bytesToBase64(leaf)}\n`;
    if (disclosure !== undefined) {
      const { body, salt } = disclosure;
      if (!verifyCommitment(leaf, body, salt))
        throw disagrees(`leaf ${index} does not commit to its disclosure`);
      yield `${canonicalJson({ leaf: index, salt: bytesToBase64Url(salt), body })}\n`;
      bodies++;
    }
    index++;
  }
  if (index !== head.size) throw disagrees(`${index} leaves for a head of ${head.size}`);
  if (bodies !== disclosed) throw disagrees(`${bodies} disclosures where ${disclosed} were announced`);
}

function disagrees(message: string): AuditError {
  return new AuditError('export/disagrees', `export: ${message}`);
}
