export { addCheckpointToText, textToAddCheckpoint, type AddCheckpoint } from './add-checkpoint.ts';
export {
  base64ToBytes,
  base64UrlToBytes,
  bytesToBase64,
  bytesToBase64Url,
  bytesToHex,
  bytesToUtf8,
  concatBytes,
  equalBytes,
  hasLoneSurrogate,
  hexToBytes,
  utf8ToBytes,
} from './bytes.ts';
export { canonicalBytes, canonicalJson, parseCanonicalJson } from './canon.ts';
export {
  checkpointToText,
  openCheckpoint,
  signCheckpoint,
  textToCheckpoint,
  type Checkpoint,
} from './checkpoint.ts';
export { cosign, mergeCosignatures, readCosignature } from './cosignature.ts';
export { createCompactRange, type CompactRange, type StoredHash } from './compact-range.ts';
export { createSigner, verifyEd25519, type Ed25519Signer, type Ed25519Verify } from './ed25519.ts';
export {
  AuditError,
  ExportError,
  LogConflictError,
  TileError,
  TwinkeepError,
  type AuditErrorCode,
} from './errors.ts';
export { exportTiles, isPruned, type ExportTilesOptions, type TileFile } from './export-tiles.ts';
export { EXPORT_FORMAT, exportLog, type ExportEntry } from './export.ts';
export { fsckTiles, type FsckTilesOptions, type TilesReport } from './fsck-tiles.ts';
export type { FsckReport } from './fsck.ts';
export { HASH_LENGTH, sha256, type Sha256 } from './hash.ts';
export { createLeaf, leafToEnvelope, verifyCommitment, type LeafEnvelope } from './leaf.ts';
export {
  bytesToPublished,
  LOG_POLICY_PATH,
  LOG_POLICY_TYPE,
  parseLogPolicy,
  prunableTo,
  publishedToBytes,
  type LogPolicy,
  type PublishedLogPolicy,
} from './log-policy.ts';
export { createLog, openLog, type Log, type LogDeps } from './log.ts';
export {
  EMPTY_ROOT,
  hashChildren,
  hashLeaf,
  rootFromInclusion,
  verifyConsistency,
  verifyInclusion,
  type ConsistencyProof,
  type InclusionProof,
} from './merkle.ts';
export { mirrorTiles, type MirrorReport, type TileSink } from './mirror-tiles.ts';
export { openNote, readNote, signNote, type NoteSignature, type OpenNoteOptions } from './note.ts';
export { openTiles, type OpenedTiles, type OpenTilesOptions } from './open-tiles.ts';
export { NO_QUORUM, policyToText, textToPolicy, type TlogPolicy } from './policy.ts';
export { proofToText, textToProof, verifyProof, type TlogProof } from './proof.ts';
export {
  completeSubtrees,
  foldSubtrees,
  proveConsistency,
  proveInclusion,
  type HashReader,
  type SubtreeId,
} from './prove.ts';
export {
  openWitnessed,
  tlogPolicyToWitnessPolicy,
  verifyQuorum,
  verifyWitnessed,
  witnessPolicyToTlogPolicy,
  type WitnessPolicy,
} from './quorum.ts';
export type { LogHead, LogStore } from './store.ts';
export { pathToTile, TILE_HEIGHT, TILE_WIDTH, tileToPath, type TileId } from './tile-path.ts';
export { CHECKPOINT_PATH, createFetchReader, maxLengthOf, type TileReader } from './tile-reader.ts';
export { createTileTree, type TileTree, type TileTreeDeps } from './tile-tree.ts';
export {
  decodeEntryBundle,
  decodeTile,
  encodeEntryBundle,
  encodeTile,
  MAX_ENTRY_LENGTH,
  partialTilesOf,
  tilesFor,
  tileToLeaves,
  tileToSubtrees,
} from './tiles.ts';
export { verifyExport, type ExportReport, type VerifyExportOptions } from './verify-export.ts';
export { createNoteKey, noteKeyToVkey, vkeyToNoteKey, type NoteAlgorithm, type NoteKey } from './vkey.ts';
