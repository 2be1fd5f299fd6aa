/** The bytes of the first release of the simulator: in Node, on threads and in a browser. */
import {
  createSimulation,
  INDUSTRIES,
  type Industry,
  type SimulationOptions,
} from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';

export const pinnedOptions = (industry: Industry): SimulationOptions => ({
  industry,
  seed: 2_026,
  customers: 200,
  months: 14,
  startTime: '2025-01-01T00:00:00Z',
  prices: 'endogenous',
  federation: {
    sites: 5,
    sizeSkew: 0.8,
    labelSkew: 4,
    covariateSkew: 3,
    elasticityShift: 0.3,
    schemaDrift: 0.5,
    duplicates: 0.2,
  },
});

export const PINNED: Readonly<Record<Industry, string>> = {
  retail: '1ea607d9cb5a4a77f183af522c027f4856f2736deda0c9ee9aaf57c50fc219ce',
  banking: '4391786f56a9d1acc961c65ce866c558ad8112faab3b3e414f2260cc0c306a70',
  cpg: '66a895e609dcbaad34aab6bdea87212db1b385301dcd10b00b09819f4d6a68b2',
  health: 'c79e3338012f52af9e5e32301579a4bdd31b04d84194f51b3ee645c0c94fb1fb',
  telecom: 'c9791994819f0792e1a1c3be10f37f406246b8e847f149cf8abff88b4bcfcefe',
};

/** SHA-256 of everything that a simulation makes, and of its answer key. */
export async function digestOf(industry: Industry): Promise<string> {
  const options = pinnedOptions(industry);
  const simulation = createSimulation(options);
  const key = createSimulationTruths(options);
  let text = '';
  for (let i = 0; i < simulation.size; i++)
    text +=
      simulation.eventLines(i) + JSON.stringify([simulation.customer(i), simulation.record(i), key.truth(i)]);
  for (const row of simulation.market()) text += JSON.stringify(row);
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const industries: readonly Industry[] = INDUSTRIES;
