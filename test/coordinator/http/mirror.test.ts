/** A coordinator's log, read by whoever trusts its key only: checked as a whole, copied, and the copy continued. */
import {
  createFetchReader,
  createTileTree,
  fsckTiles,
  mirrorTiles,
  openTiles,
  proofToText,
  proveInclusion,
  TileError,
  verifyProof,
  type TileSink,
} from '@twinkeep/audit';
import { PATHS } from '@twinkeep/protocol';
import { afterEach, expect, it } from 'vitest';
import { consentOf, createNode } from '../support/node.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
afterEach(() => world.stop());

async function grow(count: number): Promise<void> {
  const node = await createNode(world.parties, count);
  const events = await Promise.all(node.twins.map(async (twin) => (await consentOf(node, twin)).jws));
  for (let start = 0; start < count; start += 200)
    await world.sendConsents(node, events.slice(start, start + 200));
}

it('is checked, copied and proved from, over its tiles alone', async () => {
  world = await createWorld();
  const { vkey } = world.parties.trust.log;
  const reader = createFetchReader(`http://127.0.0.1:${world.port}${PATHS.log}`);
  const copy = new Map<string, Uint8Array>();
  const sink: TileSink = {
    read: async (path) => {
      const bytes = copy.get(path);
      if (bytes === undefined) throw new TileError('tile/missing', path, 'is not there');
      return bytes;
    },
    has: async (path) => copy.has(path),
    write: async (path, bytes) => void copy.set(path, bytes),
  };
  for (const [more, from] of [
    [20, 0],
    [260, 20],
  ] as const) {
    await grow(more);
    const size = from + more;
    expect(await fsckTiles({ reader, vkey })).toMatchObject({ ok: true, size, minimumIndex: 0 });
    expect(await mirrorTiles({ reader, vkey, sink })).toMatchObject({ size, from });
    expect(await fsckTiles({ reader: sink.read, vkey })).toMatchObject({ ok: true, size });
  }
  const { tree, checkpoint, note } = await openTiles({ reader: sink.read, vkey });
  const [leaf] = await tree.entries(7, 8);
  const proof = await proveInclusion(7, checkpoint.size, tree.hashes);
  const receipt = proofToText({ index: 7, proof, checkpoint: note });
  expect(verifyProof(receipt, leaf!, vkey)).toMatchObject({ index: 7 });
  // The same, had the server lied about the root.
  const { size, root } = checkpoint;
  const lied = createTileTree({ reader, size, root: root.with(0, root[0]! ^ 1) });
  await expect(lied.entries(7, 8)).rejects.toMatchObject({ code: 'tile/disagrees' });

  await world.sql.query(`update log_leaves set leaf = set_byte(leaf, 10, 7) where leaf_index = 30`);
  expect(await fsckTiles({ reader, vkey })).toMatchObject({ ok: false, path: 'tile/entries/000' });
});
