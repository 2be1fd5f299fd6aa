/** What stays the same about a customer: what a system knows of them, and the latent traits that none does. */
import { bernoulli, categorical, integer, normal, uniform } from '../distributions.ts';
import { exp } from '../elementary.ts';
import type { RandomSource, RandomStream } from '../prng.ts';
import type { CheckedSimulation } from './options.ts';
import type { IndustryPreset } from './preset.ts';
import { drawSite, type Site } from './sites.ts';

/** Length of the vectors of affinity and of products. */
export const AFFINITIES = 8;

export const CHANNELS = ['web', 'branch', 'partner', 'phone'] as const;

export interface Profile {
  /** Segment's name. */
  segment: string;
  /** Years, 18 to 90. */
  age: number;
  /** Euros a month in hundreds; null where it was not stated. */
  income: number | null;
  /** Where the relation began. */
  channel: (typeof CHANNELS)[number];
  /** To the nearest branch, clinic or shop, 0.1 to 200. */
  distanceKm: number;
}

export interface Person {
  /** The number of the customer who they first were: another than `index` for a duplicate. */
  origin: number;
  site: number;
  segment: number;
  profile: Profile;
  traits: Traits;
}

/** Latent, all but `elasticity` and `affinity` around 0 with standard deviation 1. */
export interface Traits {
  engagement: number;
  satisfaction: number;
  trouble: number;
  elasticity: number;
  affinity: readonly number[];
}

export function drawPerson(
  random: RandomSource,
  index: number,
  options: CheckedSimulation,
  preset: IndustryPreset,
  sites: readonly Site[],
): Person {
  const origin = originOf(random, index, options.federation.duplicates);
  const home = drawSite(random.stream(origin, 'site'), sites);
  const site = origin === index ? home : drawSite(random.stream(index, 'other-site'), sites, home);
  const draw = (field: string): RandomStream => random.stream(origin, field);
  // A duplicate is the same person: everything about them comes from their first site.
  const { mix } = sites[home] as Site;
  const segment = categorical(draw('segment'), [...preset.segments.keys()], mix);
  const { name, elasticity } = preset.segments[segment] as IndustryPreset['segments'][number];
  const affinity = draw('affinity');
  return {
    origin,
    site,
    segment,
    profile: drawProfile(draw, name),
    traits: {
      engagement: normal(draw('engagement')),
      satisfaction: normal(draw('satisfaction')),
      trouble: normal(draw('trouble')),
      elasticity:
        elasticity +
        preset.elasticitySpread * normal(draw('elasticity')) +
        (sites[site] as Site).elasticityShift,
      affinity: Array.from({ length: AFFINITIES }, () => normal(affinity)),
    },
  };
}

/** The customer whom a duplicate copies has a smaller number and may be one too; the first of the chain is the person. */
function originOf(random: RandomSource, index: number, duplicates: number): number {
  let origin = index;
  while (origin > 0 && bernoulli(random.stream(origin, 'duplicate'), duplicates))
    origin = integer(random.stream(origin, 'duplicate-of'), 0, origin - 1);
  return origin;
}

function drawProfile(draw: (field: string) => RandomStream, segment: string): Profile {
  const age = draw('age');
  const income = draw('income');
  return {
    segment,
    // A triangle between 18 and 90.
    age: 18 + Math.floor(36.5 * (uniform(age) + uniform(age))),
    income: bernoulli(income, 0.12) ? null : Math.min(200, Math.round(24 * exp(0.45 * normal(income)))),
    channel: categorical(draw('channel'), CHANNELS, [0.45, 0.25, 0.2, 0.1]),
    distanceKm: Math.min(2_000, Math.max(1, Math.round(10 * exp(1.6 + 0.8 * normal(draw('distance')))))) / 10,
  };
}
