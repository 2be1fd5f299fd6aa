// A whole log verified from its tiles, beside the hashing alone: `npm run bench:verify -- [--entries N] [--seed N] [--json FILE]`.
// The log is written to a directory first, as a web server would serve it, and verified by a process of its own, so that the memory it
// takes is the verifier's. The target: 1,000,000 entries in less than 60 s on two cores.
import {
  createCompactRange,
  createNoteKey,
  createSigner,
  decodeEntryBundle,
  exportTiles,
  fsckTiles,
  hashChildren,
  hashLeaf,
  leafToEnvelope,
  noteKeyToVkey,
  signCheckpoint,
  TileError,
  tilesFor,
  tileToPath,
  utf8ToBytes,
} from '@twinkeep/audit';
import { spawnSync } from 'node:child_process';
import { createHash, hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const TARGET_SECONDS = 60;
const ORIGIN = 'bench.example/log';
const SHA256_BLOCK = 64;

const { values: flags } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    /** For the process that verifies: the directory. */
    directory: { type: 'string' },
  },
});
const size = Number(flags.entries);
const signer = createSigner(new Uint8Array(32).fill(1));
const vkey = noteKeyToVkey(createNoteKey(ORIGIN, signer.publicKey));

// The one-shot hash as a string of 32 characters: twice as fast as a Buffer, which would be allocated outside of the heap.
const nativeSha256 = (data) => {
  const digest = hash('sha256', data, 'binary');
  const bytes = new Uint8Array(32);
  for (let i = 0; i < 32; i++) bytes[i] = digest.charCodeAt(i);
  return bytes;
};

if (flags.directory === undefined) await measure();
else process.stdout.write(`${JSON.stringify(await verify(flags.directory))}\n`);

async function measure() {
  const directory = mkdtempSync(join(tmpdir(), 'twinkeep-tiles-'));
  try {
    const files = await writeLog(directory);
    const args = [import.meta.filename, '--entries', flags.entries, '--directory', directory];
    const { stdout, status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    if (status !== 0) throw new Error(`the verifier exited with ${status}`);
    const figures = {
      machine: { cpu: cpus()[0]?.model ?? '', processors: availableParallelism(), node: process.version },
      entries: size,
      files,
      ...JSON.parse(stdout),
    };
    print(figures);
    if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
    process.exitCode = isMet(figures) ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Of fewer entries the target is no tighter: a process takes its time to start. */
function isMet({ entries, seconds }) {
  return seconds < TARGET_SECONDS * Math.max(1, entries / 1e6);
}

async function writeLog(directory) {
  leafToEnvelope(leafOf(0));
  const edge = createCompactRange(0, [], nativeSha256);
  const rows = new Map();
  for (let i = 0; i < size; i++) {
    for (const closed of edge.append(hashLeaf(leafOf(i), nativeSha256))) {
      if (closed.level % 8 !== 0) continue;
      if (!rows.has(closed.level))
        rows.set(closed.level, new Uint8Array(32 * Math.ceil(size / 2 ** closed.level)));
      rows.get(closed.level).set(closed.hash, 32 * closed.index);
    }
  }
  const note = await signCheckpoint({ origin: ORIGIN, size, root: edge.root() }, signer);
  const log = {
    hashes: async (ids) =>
      ids.map(({ level, index }) => rows.get(level).subarray(32 * index, 32 * index + 32)),
    leaves: async (start, end) => Array.from({ length: end - start }, (_, i) => leafOf(start + i)),
  };
  let files = 0;
  for await (const { path, bytes } of exportTiles({ log, head: { size, note } })) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes);
    files++;
  }
  return files;
}

/** As long as the leaf of a consent event, and another for each seed. */
function leafOf(index) {
  const commit = `sha-256:${hash('sha256', `${flags.seed}/${index}`, 'base64url')}`;
  return utf8ToBytes(JSON.stringify({ at: '2026-01-15T10:00:00Z', commit, type: 'consent', v: 1 }));
}

async function verify(directory) {
  const reader = async (path) => {
    try {
      return await readFile(join(directory, path));
    } catch (error) {
      if (error.code === 'ENOENT') throw new TileError('tile/missing', path, 'is not there');
      throw error;
    }
  };
  const [report, seconds] = await timed(() => fsckTiles({ reader, vkey, hash: nativeSha256 }));
  if (!report.ok || report.size !== size) throw new Error(`not verified: ${JSON.stringify(report)}`);
  const maxMegabytes = process.resourceUsage().maxRSS / 1024;
  const [blocks, sameHashes] = await timed(() => hashAlike(directory));
  const [, sameFiles] = await timed(() => hashFiles(directory));
  const [, rawBlocks] = await timed(() => hashBlocks(blocks));
  return { seconds, maxMegabytes, sameHashes, sameFiles, rawBlocks };
}

/** As many hashes of the same leaves and of as many pairs of hashes, of which nothing is compared. */
function hashAlike(directory) {
  const pair = new Uint8Array(32);
  let blocks = 0;
  for (const tile of tilesFor(size)) {
    if (tile.level !== 'entries') continue;
    for (const leaf of decodeEntryBundle(readFileSync(join(directory, tileToPath(tile))), tile.width)) {
      hashLeaf(leaf, nativeSha256);
      hashChildren(pair, pair, nativeSha256);
      blocks += blocksOf(1 + leaf.length) + blocksOf(65);
    }
  }
  return blocks;
}

/** As `sha256sum` would: each file as it is. */
function hashFiles(directory) {
  for (const tile of tilesFor(size)) hash('sha256', readFileSync(join(directory, tileToPath(tile))));
}

/** The compression function alone, as often as verifying needs it. */
function hashBlocks(blocks) {
  const hasher = createHash('sha256');
  const chunk = new Uint8Array(SHA256_BLOCK * 16_384);
  for (let left = blocks; left > 0; left -= 16_384)
    hasher.update(chunk.subarray(0, SHA256_BLOCK * Math.min(left, 16_384)));
  hasher.digest();
}

/** With the byte and the eight of the length that end the last one. */
function blocksOf(bytes) {
  return Math.ceil((bytes + 9) / SHA256_BLOCK);
}

async function timed(run) {
  const start = performance.now();
  return [await run(), (performance.now() - start) / 1e3];
}

function print({ machine, entries, files, seconds, maxMegabytes, sameHashes, sameFiles, rawBlocks }) {
  const row = (what, value) =>
    `  ${what.padEnd(52)}${value.toFixed(2).padStart(8)} s${`x ${(seconds / value).toFixed(1)}`.padStart(9)}\n`;
  process.stdout.write(
    `Verifying ${entries} entries from ${files} files (${machine.cpu}, ${machine.processors} processors, ${machine.node})\n` +
      `  ${'verified: entries, every tile, root, signature'.padEnd(52)}${seconds.toFixed(2).padStart(8)} s   ${Math.round(entries / seconds)} entries/s, at most ${maxMegabytes.toFixed(0)} MB\n` +
      row('the same hashes, nothing compared', sameHashes) +
      row('the same files, each hashed as it is', sameFiles) +
      row('as many blocks through SHA-256 in one stream', rawBlocks) +
      `  target: ${TARGET_SECONDS} s for 1,000,000: ${isMet({ entries, seconds }) ? 'met' : 'MISSED'}\n`,
  );
}
