/**
 * The answer key, an entry of its own (`@twinkeep/synthetic/truth`): for tests and reports that judge a model. Code that
 * trains or predicts never imports it.
 */
import type { PopulationOptions } from './population.ts';
import { churnBayesProbability } from './telecom/churn.ts';
import { createTelecomSimulator } from './telecom/simulate.ts';

export interface ChurnTruth {
  index: number;
  /** Probability of leaving within the horizon, given everything, the hidden mood included. */
  hazard: number;
  /** The same given every event before the reference instant: no model that sees events alone can rank better. */
  bayesProbability: number;
}

export interface ChurnTruths {
  readonly size: number;
  /** @throws RangeError */
  truth(index: number): ChurnTruth;
  truths(): IterableIterator<ChurnTruth>;
}

/** Of the population that `createTelecomPopulation` makes from the same options. */
export function createTelecomTruths(options: PopulationOptions): ChurnTruths {
  const simulator = createTelecomSimulator(options);
  const size = simulator.options.customers;
  const truth = (index: number): ChurnTruth => {
    const { profile, history, hazard } = simulator.life(index);
    return { index, hazard, bayesProbability: churnBayesProbability(profile, history.months) };
  };
  return {
    size,
    truth,
    *truths() {
      for (let index = 0; index < size; index++) yield truth(index);
    },
  };
}

export { createSimulationTruths, type SimulationTruth, type SimulationTruths } from './simulate/truth.ts';
