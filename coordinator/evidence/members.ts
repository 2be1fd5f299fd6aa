/** Of a round's contributions, what a pack about this target discloses: no more pseudonyms than its answer needs. */
import { base64UrlToBytes, bytesToBase64Url, concatBytes } from '@twinkeep/audit';
import type { EvidenceContribution, EvidenceTarget } from '@twinkeep/protocol';
import { openSalts, type StoredContribution } from '../store/contributions.ts';
import type { Db } from '../store/schema.ts';
import type { Vault } from '../store/vault.ts';

/**
 * Everybody, for an auditor who replays whole rounds. For one customer only their own place; and where they are in no report of the set, in each the
 * two neighbours between whom they would stand, since members ascend.
 */
export async function discloseRound(
  db: Db,
  vault: Vault,
  stored: readonly StoredContribution[],
  target: EvidenceTarget,
): Promise<EvidenceContribution[]> {
  const places = placesOf(stored, target);
  const out: EvidenceContribution[] = [];
  for (const [i, contribution] of stored.entries()) {
    const asked = places[i] ?? null;
    out.push(asked === null ? named(contribution) : await disclose(db, vault, contribution, asked));
  }
  return out;
}

/** For each report the places to disclose; null: only that there is such a report. */
function placesOf(
  stored: readonly StoredContribution[],
  target: EvidenceTarget,
): (readonly number[] | null)[] {
  if (target.kind !== 'subject' && target.kind !== 'subject-model')
    return stored.map(({ subjects }) => subjects.map((_, place) => place));
  const own = stored.map(({ subjects }) => subjects.indexOf(target.subject));
  const isUsed = stored.some(({ disposition }, i) => disposition === 'in-set' && (own[i] as number) >= 0);
  return stored.map(({ disposition, subjects }, i) => {
    const place = own[i] as number;
    if (place >= 0) return [place];
    const mustShowAbsence = target.kind === 'subject-model' && !isUsed && disposition === 'in-set';
    return mustShowAbsence ? neighbours(subjects, target.subject) : null;
  });
}

function neighbours(subjects: readonly (string | null)[], subject: string): number[] {
  const wanted = base64UrlToBytes(subject);
  const after = subjects.findIndex((other) => other !== null && isAfter(base64UrlToBytes(other), wanted));
  const next = after < 0 ? subjects.length : after;
  return [next - 1, next].filter((place) => place >= 0 && place < subjects.length);
}

async function disclose(
  db: Db,
  vault: Vault,
  contribution: StoredContribution,
  places: readonly number[],
): Promise<EvidenceContribution> {
  const { signed, leaves, subjects } = contribution;
  if (signed === null) return named(contribution);
  const salts = await openSalts(db, vault, contribution, places);
  return {
    ...named(contribution),
    signed: { header: bytesToBase64Url(signed.header), signature: bytesToBase64Url(signed.signature) },
    leaves: bytesToBase64Url(concatBytes(...leaves)),
    members: [...salts].map(([place, salt]) => ({
      place,
      subject: subjects[place] as string,
      salt: bytesToBase64Url(salt),
    })),
  };
}

function named({ rcHash, headerHash, disposition }: StoredContribution): EvidenceContribution {
  return { rcHash, headerHash, disposition, signed: null, leaves: '', members: [] };
}

function isAfter(a: Uint8Array, b: Uint8Array): boolean {
  for (const [i, byte] of a.entries()) {
    const difference = byte - (b[i] as number);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
