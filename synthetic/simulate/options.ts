/** What a simulated population is asked for, checked once. Same options, same bytes. */
import { instantToSecond } from '../instant.ts';

export const INDUSTRIES = ['retail', 'banking', 'cpg', 'health', 'telecom'] as const;
export type Industry = (typeof INDUSTRIES)[number];

export interface SimulationOptions {
  industry: Industry;
  /** An integer in [0, 2^53). */
  seed: number;
  /** How many; an integer in [1, 2^32). */
  customers: number;
  /** Months of 30 days, 1 to 120. */
  months: number;
  /** When the first month begins, to the second, e.g. `2025-01-01T00:00:00Z`. */
  startTime: string;
  /**
   * `randomised`: prices follow costs and chance. `endogenous`: whoever sets prices also sees the demand that the data do not
   * show, and lowers them when it is low, so that a naive regression is biased; the cost stays a valid instrument. Default
   * randomised.
   */
  prices?: 'randomised' | 'endogenous';
  /** How the customers are spread over sites. Default: one site. */
  federation?: Partial<FederationOptions>;
}

export interface FederationOptions {
  /** 1 to 1,000. Default 1. */
  sites: number;
  /** Standard deviation of the logarithm of a site's size, 0 to 3. Default 0: all the same. */
  sizeSkew: number;
  /** Dirichlet concentration of a site's churn and response rates around the common ones; null = no skew. Default null. */
  labelSkew: number | null;
  /** Dirichlet concentration of a site's mix of segments around the common one; null = no skew. Default null. */
  covariateSkew: number | null;
  /** Standard deviation of a site's price elasticity, 0 to 2. Default 0. */
  elasticityShift: number;
  /** Share of the sites whose event schema changes at half-time, 0 to 1. Default 0. */
  schemaDrift: number;
  /** Share of the customers who are customers of another site under another number, 0 to 0.5. Default 0. */
  duplicates: number;
}

export interface CheckedSimulation extends Required<Omit<SimulationOptions, 'federation'>> {
  federation: FederationOptions;
  /** `startTime` in seconds since 1970. */
  start: number;
}

/** @throws RangeError with the option's name */
export function checkSimulation(options: SimulationOptions): CheckedSimulation {
  const { industry, customers, months, startTime, prices = 'randomised' } = options;
  if (!INDUSTRIES.includes(industry))
    throw new RangeError(`industry: ${industry} is none of ${INDUSTRIES.join(', ')}`);
  within('customers', customers, 1, 0xffffffff, true);
  within('months', months, 1, 120, true);
  if (prices !== 'randomised' && prices !== 'endogenous')
    throw new RangeError(`prices: ${String(prices)} is neither randomised nor endogenous`);
  const start = instantToSecond(startTime);
  if (Number.isNaN(start)) throw new RangeError(`startTime: ${startTime} is not like 2025-01-01T00:00:00Z`);
  const federation = checkFederation(options.federation ?? {});
  return { industry, seed: options.seed, customers, months, startTime, start, prices, federation };
}

function checkFederation(given: Partial<FederationOptions>): FederationOptions {
  const federation: FederationOptions = {
    sites: 1,
    sizeSkew: 0,
    labelSkew: null,
    covariateSkew: null,
    elasticityShift: 0,
    schemaDrift: 0,
    duplicates: 0,
    ...given,
  };
  within('sites', federation.sites, 1, 1_000, true);
  within('sizeSkew', federation.sizeSkew, 0, 3);
  if (federation.labelSkew !== null) within('labelSkew', federation.labelSkew, 0.01, 1e6);
  if (federation.covariateSkew !== null) within('covariateSkew', federation.covariateSkew, 0.01, 1e6);
  within('elasticityShift', federation.elasticityShift, 0, 2);
  within('schemaDrift', federation.schemaDrift, 0, 1);
  within('duplicates', federation.duplicates, 0, 0.5);
  if (federation.duplicates > 0 && federation.sites < 2)
    throw new RangeError('duplicates: a customer can be known to another site only where there are two');
  return federation;
}

function within(name: string, value: number, min: number, max: number, whole = false): void {
  const fits = value >= min && value <= max && (!whole || Number.isInteger(value));
  if (!fits)
    throw new RangeError(`${name}: ${value} is no ${whole ? 'integer' : 'number'} from ${min} to ${max}`);
}
