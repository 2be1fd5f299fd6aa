/** What a fit may spend, and on what: zero-concentrated differential privacy, added up over the steps. */
import { noiseMultiplierFor, roundRho, type Ratio } from '@twinkeep/protocol';
import { SyntheticError } from '../error.ts';
import { ratioToNumber, varianceFor } from './counts.ts';
import type { TableSchema } from './schema.ts';

export interface PrivacyLedger {
  epsilon: number;
  delta: number;
  /** Of zero-concentrated differential privacy, over all steps. */
  rho: number;
  unit: 'row added or removed' | 'one twin';
  /** `variance`: of each count; of a federated step, of a count that the whole of it is spent on. */
  steps: { name: string; rho: number; variance: number; marginalsPerRow: number }[];
}

export type Step = 'classes' | 'one-ways' | 'coarse pairs' | 'tree pairs';

export interface Ledger {
  privacy: PrivacyLedger | null;
  /** The noise that a step adds; null = none. */
  ratio(step: Step): Ratio | null;
  variance(step: Step): number;
}

/** The sums of the one-ways say how many rows a class has, too. */
const CLASSES_SHARE = 0.01;

/** Where there is no tree to choose, the coarse pairs' share goes to the rest. @throws SyntheticError 'synthetic/privacy' */
export function openLedger(
  schema: TableSchema,
  { epsilon, delta }: { epsilon?: number; delta?: number },
  attributes: number,
): Ledger {
  if ((epsilon === undefined) !== (delta === undefined))
    throw new SyntheticError('synthetic/privacy', 'epsilon and delta go together');
  if (epsilon === undefined || delta === undefined)
    return { privacy: null, ratio: () => null, variance: () => 0 };
  if (schema.derived === true)
    throw new SyntheticError(
      'synthetic/privacy',
      'this schema was read off the data: no epsilon holds for it',
    );
  if (!(epsilon > 0 && epsilon <= 100 && delta > 0 && delta < 1))
    throw new SyntheticError(
      'synthetic/privacy',
      `epsilon ${epsilon}, delta ${delta}: not 0 to 100 and 0 to 1`,
    );
  const rho = roundRho(noiseMultiplierFor({ epsilon, delta, participations: 1 }));
  const pairs = (attributes * (attributes - 1)) / 2;
  const [ways, coarse] = attributes > 2 ? [0.25, 0.3] : attributes === 2 ? [0.35, 0] : [1, 0];
  const rest = 1 - CLASSES_SHARE;
  const shares: [Step, number, number][] = [
    ['classes', CLASSES_SHARE, 1],
    ['one-ways', rest * ways, attributes],
    ['coarse pairs', rest * coarse, pairs],
    ['tree pairs', rest * (1 - ways - coarse), attributes - 1],
  ];
  const ratios = new Map<Step, Ratio>();
  const steps: PrivacyLedger['steps'] = [];
  for (const [name, share, marginals] of shares) {
    if (share <= 0) continue;
    const ratio = varianceFor(marginals, share * rho);
    ratios.set(name, ratio);
    steps.push({ name, rho: share * rho, variance: ratioToNumber(ratio), marginalsPerRow: marginals });
  }
  return {
    privacy: { epsilon, delta, rho, unit: 'row added or removed', steps },
    ratio: (step) => ratios.get(step) ?? null,
    variance: (step) => ratioToNumber(ratios.get(step) ?? { num: 0, den: 1 }),
  };
}
