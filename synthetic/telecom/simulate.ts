/** One customer's life, from their number alone. Behind both the population, which shows it, and the answer key. */
import { bernoulli } from '../distributions.ts';
import { checkIndex, checkOptions, type CheckedOptions, type PopulationOptions } from '../population.ts';
import { createRandomSource, type RandomSource } from '../prng.ts';
import { churnHazard } from './churn.ts';
import { drawHistory, type TelecomHistory } from './history.ts';
import { drawProfile, type TelecomProfile } from './profile.ts';

export interface TelecomLife {
  profile: TelecomProfile;
  history: TelecomHistory;
  /** Probability of leaving within the horizon, with everything known. */
  hazard: number;
  churned: boolean;
}

export interface TelecomSimulator {
  options: CheckedOptions;
  random: RandomSource;
  profile(customer: number): TelecomProfile;
  life(customer: number): TelecomLife;
}

/** @throws RangeError */
export function createTelecomSimulator(unchecked: PopulationOptions): TelecomSimulator {
  const options = checkOptions(unchecked);
  const random = createRandomSource(options.seed);

  const profile = (customer: number): TelecomProfile => {
    checkIndex(customer, options.customers);
    return drawProfile(random, customer);
  };
  return {
    options,
    random,
    profile,
    life(customer) {
      const drawn = profile(customer);
      const history = drawHistory(random, customer, drawn, options.windowMonths);
      const hazard = churnHazard(drawn, history);
      const churned = bernoulli(random.stream(customer, 'churn'), hazard);
      return { profile: drawn, history, hazard, churned };
    },
  };
}
