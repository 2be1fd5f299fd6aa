/** The answer key of a simulation; exported by `@twinkeep/synthetic/truth` alone. */
import { choiceProbabilities } from './behaviour/choice.ts';
import type { BasketTruth } from './behaviour/baskets.ts';
import type { AdherenceTruth } from './behaviour/adherence.ts';
import type { CampaignTruth } from './behaviour/campaign.ts';
import type { OrderTruth } from './behaviour/orders.ts';
import { createWorld, type Life, type World } from './life.ts';
import { naiveBias } from './market.ts';
import type { SimulationOptions } from './options.ts';
import type { IndustryPreset } from './preset.ts';
import { customerId } from './record.ts';
import type { Site } from './sites.ts';

export interface SimulationTruth {
  index: number;
  id: string;
  /** Id of the customer who is the same person; their own for most. */
  person: string;
  /** Price elasticity of this customer at this site. */
  elasticity: number;
  orders: OrderTruth | null;
  baskets: BasketTruth | null;
  /** Chance of leaving at the end of each month lived; the months of the events. */
  hazards: readonly number[] | null;
  /** Tickets a month that nothing brought about. */
  ticketRate: number;
  /** Every survey, answered or not: what satisfaction stood behind it and what was, or would have been, said. */
  surveys: readonly { month: number; satisfaction: number; score: number; answered: boolean }[];
  /** Q(customer, offer): the chance that the offer is chosen when it is the one shown. */
  acceptance: readonly number[];
  /** Chance of missing each appointment. */
  noShow: readonly number[] | null;
  adherence: AdherenceTruth | null;
  campaign: CampaignTruth | null;
}

export interface SimulationTruths {
  readonly size: number;
  /** The planted parameters of the industry. */
  readonly parameters: IndustryPreset;
  readonly sites: readonly Site[];
  /** By how much a naive regression of log units on log price misses the elasticity; 0 for randomised prices, null without a market. */
  readonly elasticityBias: number | null;
  /** @throws RangeError */
  truth(index: number): SimulationTruth;
}

/** Of the population that `createSimulation` makes from the same options. @throws RangeError */
export function createSimulationTruths(options: SimulationOptions): SimulationTruths {
  const world = createWorld(options);
  const { preset, sites } = world;
  const biased = world.options.prices === 'endogenous';
  return {
    size: world.options.customers,
    parameters: preset,
    sites,
    elasticityBias: preset.market === undefined ? null : biased ? naiveBias(preset.market) : 0,
    truth: (index) => lifeToTruth(world, world.life(index)),
  };
}

function lifeToTruth(world: World, life: Life): SimulationTruth {
  const { index, person, care, surveys, subscription } = life;
  const { choice } = world.preset;
  return {
    index,
    id: customerId(world, index),
    person: customerId(world, person.origin),
    elasticity: person.traits.elasticity,
    orders: life.orders?.truth ?? null,
    baskets: life.baskets?.truth ?? null,
    hazards: subscription?.months.map(({ hazard }) => hazard) ?? null,
    ticketRate: care.truth.rate,
    surveys: surveys.map(({ month, satisfaction, score, answered }) => ({
      month,
      satisfaction,
      score,
      answered,
    })),
    acceptance: choice.offers.map(
      (_, offer) => choiceProbabilities(choice, world.choice, person, offer)[offer] as number,
    ),
    noShow: life.appointments?.map(({ risk }) => risk) ?? null,
    adherence: life.adherence?.truth ?? null,
    campaign: life.campaign?.truth ?? null,
  };
}
