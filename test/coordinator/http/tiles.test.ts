/** The log as tiles over HTTP: what a stranger needs to recompute the tree, and nothing of what is not published. */
import {
  cosign,
  createCompactRange,
  createFetchReader,
  createNoteKey,
  createSigner,
  decodeEntryBundle,
  decodeTile,
  fsckTiles,
  hashLeaf,
  mergeCosignatures,
  noteKeyToVkey,
  openCheckpoint,
  readNote,
  tilesFor,
  tileToPath,
  tileToSubtrees,
  verifyWitnessed,
} from '@twinkeep/audit';
import { PATHS } from '@twinkeep/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { consentOf, createNode } from '../support/node.ts';
import type { Answer } from '../support/client.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
afterEach(() => world.stop());

const read = (path: string): Promise<Answer> =>
  world.client.send({ method: 'GET', path: `${PATHS.log}/${path}` });

async function readTile(path: string): Promise<Uint8Array> {
  const answer = await read(path);
  expect(answer.status, path).toBe(200);
  return answer.body as Uint8Array;
}

/** The log grows by so many consents. */
async function grow(count: number): Promise<void> {
  const node = await createNode(world.parties, count);
  const events = await Promise.all(node.twins.map(async (twin) => (await consentOf(node, twin)).jws));
  for (let start = 0; start < count; start += 200)
    await world.sendConsents(node, events.slice(start, start + 200));
}

const noteOf = async (): Promise<string> => new TextDecoder().decode(await readTile('checkpoint'));

describe('tiles', () => {
  it('of every level lead from the leaves to the signed root, whole and partial', async () => {
    world = await createWorld();
    await grow(513);
    const { size, root } = openCheckpoint(await noteOf(), world.parties.trust.log.vkey);
    expect(size).toBe(513);
    const range = createCompactRange();
    const hashes = new Map<string, Uint8Array>();
    const levels = new Set<unknown>();
    for (const tile of tilesFor(size)) {
      levels.add(tile.level);
      const bytes = await readTile(tileToPath(tile));
      if (tile.level === 'entries')
        for (const leaf of decodeEntryBundle(bytes, tile.width))
          for (const { level, index, hash } of range.append(hashLeaf(leaf)))
            hashes.set(`${level}/${index}`, hash);
      else
        expect(decodeTile(bytes, tile.width)).toEqual(
          tileToSubtrees(tile).map(({ level, index }) => hashes.get(`${level}/${index}`)),
        );
    }
    expect(range.root()).toEqual(root);
    const reader = createFetchReader(`http://127.0.0.1:${world.port}${PATHS.log}`);
    expect(await fsckTiles({ reader, vkey: world.parties.trust.log.vkey })).toMatchObject({ ok: true, size });
    expect([...levels]).toEqual(['entries', 0, 1]);
  });

  it('are for ever: whoever is on the way may keep them, and what was served once is the beginning of what comes', async () => {
    world = await createWorld();
    await grow(3);
    const partial = await readTile('tile/0/000.p/3');
    const bundle = await readTile('tile/entries/000.p/2');
    const { headers } = await read('tile/0/000.p/3');
    expect(headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    expect(headers.get('Content-Type')).toBe('application/octet-stream');
    expect((await read('checkpoint')).headers.get('Cache-Control')).toBe('no-store');
    await grow(256);
    expect(await readTile('tile/0/000.p/3')).toEqual(partial);
    expect((await readTile('tile/0/000')).subarray(0, partial.length)).toEqual(partial);
    expect((await readTile('tile/entries/000')).subarray(0, bundle.length)).toEqual(bundle);
  });

  it('beyond the head, and under any other spelling, are not there', async () => {
    world = await createWorld();
    await grow(3);
    const paths = [
      'tile/0/000',
      'tile/0/000.p/4',
      'tile/0/000.p/0',
      'tile/0/000.p/03',
      'tile/0/000.p/256',
      'tile/0/0.p/3',
      'tile/0/x000/000.p/3',
      'tile/00/000.p/3',
      'tile/0/001.p/1',
      'tile/1/000.p/1',
      'tile/64/000.p/1',
      'tile/entries/000.p/4',
      'tile/entries/000',
      'tile/entries/000%2Ep/3',
      'tile/entries/000.p/3/',
      'tile/data/000.p/3',
      'tile/0/999.p/1',
      'tile/0/x999/x999/x999/x999/x999/999.p/1',
      'tile/',
      'tile',
    ];
    for (const path of paths)
      expect(await read(path), path).toMatchObject({ status: 404, code: 'request/not-found' });
  });

  it('reach as far as the witnesses have cosigned, and no further', async () => {
    const witness = { name: 'w.example', signer: createSigner(new Uint8Array(32).fill(9)) };
    world = await createWorld({}, async (parties) => {
      const vkey = noteKeyToVkey(createNoteKey(witness.name, witness.signer.publicKey, 'cosignature'));
      parties.trust.witnesses = { threshold: 1, witnesses: [{ name: witness.name, operator: 'W', vkey }] };
      // Nobody listens there: what is cosigned is this test's to say.
      return [{ name: witness.name, url: 'http://127.0.0.1:9' }];
    });
    await grow(2);
    expect(await read('tile/0/000.p/1')).toMatchObject({ status: 404, code: 'request/not-found' });
    const { rows } = await world.sql.query<{ size: string; root: Buffer; note: string }>(
      'select * from log_head',
    );
    const { size, root, note } = rows[0]!;
    const line = await cosign(readNote(note, []).text, witness, Math.floor(Date.now() / 1_000));
    await world.sql.query('insert into witnessed_heads values ($1, $2, $3, $4)', [size, root, note, line]);
    await grow(2);
    expect(verifyWitnessed(await noteOf(), world.parties.trust.witnesses!)).toEqual([witness.name]);
    expect(await noteOf()).toBe(mergeCosignatures(note, [line]));
    expect(decodeTile(await readTile('tile/0/000.p/2'), 2)).toHaveLength(2);
    for (const path of ['tile/0/000.p/3', 'tile/entries/000.p/3', 'tile/0/000.p/4'])
      expect(await read(path), path).toMatchObject({ status: 404, code: 'request/not-found' });
  });
});
