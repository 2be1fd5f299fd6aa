// Where a tiled log keeps its parts (C2SP tlog-tiles). A tile is a row of up to 256 consecutive hashes of complete subtrees, eight
// levels of the tree at a time; an entry bundle is the row of leaves below a tile of level 0:
//
//   tile/<L>/<N>[.p/<W>]        L: 0 to 63, hashes of subtrees of 256^L leaves; N: which row; W: 1 to 255, only if the row is not full
//   tile/entries/<N>[.p/<W>]
//
// N is written in groups of three digits, all but the last after an "x": 1234067 is x001/x234/067. A path has one spelling, since
// whoever serves tiles as files would otherwise be asked for one of them under many names.

import { AuditError } from './errors.ts';
import { isCount } from './merkle.ts';

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;

/** Levels of the tree that one level of tiles stands for: 256 = 2^8. */
export const TILE_HEIGHT = 8;

export interface TileId {
  /** `entries` is a bundle of leaves; of the others, level L holds hashes of subtrees of 256^L leaves. */
  level: number | 'entries';
  /** From 0, along its level. */
  index: number;
  /** 1 to 256; less than 256 in the row that the tree has not filled yet. */
  width: number;
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;
const MAX_LEVEL = 63;

/** Below the log's prefix, without a slash in front. Throws `tile/malformed` if there can be no such tile. */
export function tileToPath(tile: TileId): string {
  requireTile(tile);
  const { level, index, width } = tile;
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const row = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${row}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/** Throws `tile/malformed` unless `tileToPath` of the result is the path again. */
export function pathToTile(path: string): TileId {
  const [, level, row, width] = PATH.exec(path) ?? [];
  if (level === undefined || row === undefined) throw malformed('not the path of a tile');
  const tile: TileId = {
    level: level === 'entries' ? level : Number(level),
    index: Number(row.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  if (tileToPath(tile) !== path) throw malformed('not the one spelling of its path');
  return tile;
}

/** Throws `tile/malformed`: levels are 0 to 63 or `entries`, an index is a count, a width 1 to 256. */
export function requireTile({ level, index, width }: TileId): void {
  if (level !== 'entries' && !(isCount(level) && level <= MAX_LEVEL)) throw malformed(`no level ${level}`);
  if (!isCount(index)) throw malformed(`no index ${index}`);
  if (!isCount(width) || width < 1 || width > TILE_WIDTH) throw malformed(`no width ${width}`);
}

function malformed(message: string): AuditError {
  return new AuditError('tile/malformed', `tile: ${message}`);
}
