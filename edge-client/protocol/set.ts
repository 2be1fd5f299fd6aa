/** What a SetCommit names: one root for one list of reports, computed alike by the coordinator that fixes it and every helper that checks it. */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  bytesToHex,
  createCompactRange,
  hashLeaf,
} from '@twinkeep/audit';

/** Header hashes (base64url) in the order of a set: ascending as bytes, which is not their order as text. */
export function ascendingHashes(headerHashes: readonly string[]): string[] {
  return headerHashes
    .map((hash) => ({ hash, hex: bytesToHex(base64UrlToBytes(hash)) }))
    .sort((a, b) => (a.hex < b.hex ? -1 : a.hex > b.hex ? 1 : 0))
    .map(({ hash }) => hash);
}

/** RFC 6962 root over the header hashes (32 raw bytes each), put in ascending order first. */
export function setRoot(headerHashes: readonly string[]): string {
  const edge = createCompactRange();
  for (const hash of ascendingHashes(headerHashes)) edge.append(hashLeaf(base64UrlToBytes(hash)));
  return bytesToBase64Url(edge.root());
}
