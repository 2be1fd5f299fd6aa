/**
 * Which sums of masks to believe. For each set of the family several helpers hold the same seeds and must give the same sum, noise included;
 * at most c of them lie or are mistaken.
 *
 * Where hashes differ, every group of at most c liars that explains what was said is looked at: leave the group out, and the others must
 * agree on each set. Each explanation gives one candidate, and all agree on every set that c + 1 helpers gave alike. Which candidate is the
 * true one is seen from the sum that it opens; there are at most as many as groups, 37 for (8, 2).
 *
 * Hashes are chosen by helpers, who may lie; that they are of the words that came with them was checked before.
 */
export interface SumHash {
  set: number;
  hash: string;
}

export interface GivenSums {
  j: number;
  hashes: SumHash[];
}

/** By set index the hash that as many helpers gave as `votes` demands; null while one set lacks it. */
export function openVotes(sums: readonly GivenSums[], votes: readonly number[]): string[] | null {
  const winners = votes.flatMap((needed, set) => {
    const counts = new Map<string, number>();
    for (const hash of hashesOf(sums, set)) counts.set(hash, (counts.get(hash) ?? 0) + 1);
    return [...counts].find(([, count]) => count >= needed)?.[0] ?? [];
  });
  return winners.length === votes.length ? winners : null;
}

/**
 * All that could be the true sums, by set index, if at most `c` of those who answered lie. Fewest liars first; none where a set has no answer,
 * or where more than c must have lied.
 * @param sets how many there are in the family
 */
export function explainSums(sums: readonly GivenSums[], sets: number, c: number): string[][] {
  const candidates = new Map<string, string[]>();
  for (const liars of groupsUpTo(
    sums.map(({ j }) => j),
    c,
  )) {
    const believed = sums.filter(({ j }) => !liars.includes(j));
    const agreed = Array.from({ length: sets }, (_, set) => new Set(hashesOf(believed, set))).flatMap(
      (distinct) => (distinct.size === 1 ? [...distinct] : []),
    );
    if (agreed.length === sets) candidates.set(agreed.join(' '), agreed);
  }
  return [...candidates.values()];
}

/** Helpers that gave another hash for some set. */
export function dissenters(sums: readonly GivenSums[], hashes: readonly string[]): number[] {
  return sums
    .filter((given) => given.hashes.some(({ set, hash }) => hashes[set] !== hash))
    .map(({ j }) => j)
    .sort((a, b) => a - b);
}

function hashesOf(sums: readonly GivenSums[], set: number): string[] {
  return sums.flatMap(({ hashes }) => hashes.filter((said) => said.set === set).map(({ hash }) => hash));
}

/** All groups of at most `most` members, the small ones first. */
function groupsUpTo(members: readonly number[], most: number): number[][] {
  let groups: number[][] = [[]];
  const all = [...groups];
  for (let size = 1; size <= Math.min(most, members.length); size++) {
    groups = groups.flatMap((group) =>
      members.filter((j) => group.every((other) => other < j)).map((j) => [...group, j]),
    );
    all.push(...groups);
  }
  return all;
}
