/** The sites that customers belong to, and how they differ: size, mix of segments, base rates, elasticity, schema. */
import { bernoulli, categorical, dirichlet, normal } from '../distributions.ts';
import { exp, log } from '../elementary.ts';
import type { RandomSource, RandomStream } from '../prng.ts';
import type { CheckedSimulation } from './options.ts';
import type { Segment } from './preset.ts';

export interface Site {
  index: number;
  /** Share of the customers. */
  weight: number;
  /** Shares of the segments. */
  mix: readonly number[];
  /** Added to the logits of leaving and of responding. */
  labelShift: number;
  /** Added to every elasticity. */
  elasticityShift: number;
  /** First month with the changed event schema; null = never. */
  driftMonth: number | null;
}

/** The rate that label skew is drawn around; only its logit's difference is used. */
const COMMON_RATE = 0.25;

export function drawSites(
  random: RandomSource,
  options: CheckedSimulation,
  segments: readonly Segment[],
): readonly Site[] {
  const { sites, sizeSkew, labelSkew, covariateSkew, elasticityShift, schemaDrift } = options.federation;
  const common = segments.map(({ weight }) => weight);
  const drawn = Array.from({ length: sites }, (_, index): Site => {
    const draw = (field: string): RandomStream => random.stream(index, `site-${field}`);
    return {
      index,
      weight: exp(sizeSkew * normal(draw('size'))),
      mix:
        covariateSkew === null
          ? common
          : dirichlet(
              draw('mix'),
              common.map((weight) => covariateSkew * weight),
            ),
      labelShift: labelSkew === null ? 0 : rateShift(draw('label'), labelSkew),
      elasticityShift: elasticityShift * normal(draw('elasticity')),
      driftMonth: bernoulli(draw('drift'), schemaDrift) ? Math.ceil(options.months / 2) : null,
    };
  });
  const total = drawn.reduce((sum, { weight }) => sum + weight, 0);
  return drawn.map((site) => ({ ...site, weight: site.weight / total }));
}

/** How far a rate drawn from Dirichlet(concentration * (rate, 1 - rate)) lies from the common one, as a difference of logits. */
function rateShift(stream: RandomStream, concentration: number): number {
  const [rate] = dirichlet(stream, [concentration * COMMON_RATE, concentration * (1 - COMMON_RATE)]);
  const kept = Math.min(0.999, Math.max(0.001, rate as number));
  return log(kept / (1 - kept)) - log(COMMON_RATE / (1 - COMMON_RATE));
}

/** `except`: a site that is not to be drawn. */
export function drawSite(stream: RandomStream, sites: readonly Site[], except?: number): number {
  const weights = sites.map(({ weight, index }) => (index === except ? 0 : weight));
  return categorical(stream, sites, weights).index;
}
