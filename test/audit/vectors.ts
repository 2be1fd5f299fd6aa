import { hexToBytes } from '@twinkeep/audit';
import rfcVectors from '../vectors/rfc6962-8leaf.json' with { type: 'json' };
import noteVectors from '../vectors/signed-note.json' with { type: 'json' };
import tileVectors from '../vectors/tlog-tiles.json' with { type: 'json' };

interface RfcVectors {
  leaves: { index: number; inputHex: string; leafHash: string }[];
  roots: { size: number; root: string }[];
  inclusion: { index: number; size: number; leafHash: string; root: string; proof: string[] }[];
  consistency: { size1: number; size2: number; root1: string; root2: string; proof: string[] }[];
}

interface NoteVectors {
  goSumdb: { vkeys: string[]; peterSeedHex: string; peterPubHex: string; text: string; note: string };
  c2spExample: { vkey: string; note: string };
  own: {
    logSeedHex: string;
    witnessSeedHex: string;
    logPubHex: string;
    witnessPubHex: string;
    logVkey: string;
    witnessVkey: string;
    checkpointBody: string;
    logSignedBytesHex: string;
    cosignedMessage: string;
    timestamp: number;
    note: string;
    checkpoints: Record<string, string>;
    addCheckpointRequests: Record<string, string>;
    tlogProofLeaf5Size8: string;
  };
  sunlightCosignature: { note: string; vkey: string; timestamp: number };
}

interface TileVectors {
  roots: Record<string, string>;
  tilesSha256ForSize70000: Record<string, string>;
  entriesBundle000Sha256: string;
  entriesBundle000Bytes: number;
  pathExamples: Record<string, string>;
}

export const rfc: RfcVectors = rfcVectors;
export const notes: NoteVectors = noteVectors;
export const tiles: TileVectors = tileVectors;

export function hexes(texts: string[]): Uint8Array[] {
  return texts.map(hexToBytes);
}
