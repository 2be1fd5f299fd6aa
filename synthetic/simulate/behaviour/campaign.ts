/**
 * One campaign at half-time with several arms, of which arm 0 is none. Half of the customers are treated by lot; the others
 * as somebody would who believes in age and segment, which also move the outcome: the confounded part. All potential outcomes
 * come from one uniform (common random numbers), so that who responds to nothing responds to an arm that helps as well.
 */
import { bernoulli, categorical, uniform } from '../../distributions.ts';
import { exp, sigmoid } from '../../elementary.ts';
import type { Person } from '../person.ts';
import { MONTH_DAYS, type Draw } from './draw.ts';

export interface CampaignParameters {
  /** Of the arms, the first being none. */
  arms: readonly string[];
  /** Logit of a response without treatment, for a customer of average engagement. */
  base: number;
  engagement: number;
  /** What each arm adds to the logit: by segment, then by arm; the first arm adds 0. */
  effects: readonly (readonly number[])[];
  randomisedShare: number;
}

export type UpliftClass = 'persuadable' | 'sure thing' | 'lost cause' | 'sleeping dog';

export interface Campaign {
  day: number;
  arm: number;
  randomised: boolean;
  responded: boolean;
  responseDay: number;
  truth: CampaignTruth;
}

export interface CampaignTruth {
  /** By arm: the chance that the assignment had, the chance of a response, and the potential outcome. */
  propensities: readonly number[];
  probabilities: readonly number[];
  outcomes: readonly boolean[];
  /** By arm from 1 on, against none. */
  classes: readonly UpliftClass[];
}

export function drawCampaign(
  draw: Draw,
  parameters: CampaignParameters,
  person: Person,
  labelShift: number,
  months: number,
): Campaign {
  const { arms, base, engagement, effects, randomisedShare } = parameters;
  const assignment = draw('campaign');
  const randomised = bernoulli(assignment, randomisedShare);
  const propensities = randomised ? arms.map(() => 1 / arms.length) : believed(person, arms.length);
  const arm = categorical(assignment, [...arms.keys()], propensities);
  const days = assignmentDays(assignment, months);

  const own = base + labelShift + engagement * person.traits.engagement + ageLogit(person);
  const probabilities = (effects[person.segment] as readonly number[]).map((effect) => sigmoid(own + effect));
  const u = uniform(draw('campaign-outcome'));
  const outcomes = probabilities.map((probability) => u < probability);
  const classes = outcomes.slice(1).map((treated) => upliftClass(outcomes[0] as boolean, treated));
  return {
    ...days,
    arm,
    randomised,
    responded: outcomes[arm] as boolean,
    truth: { propensities, probabilities, outcomes, classes },
  };
}

function ageLogit({ profile }: Person): number {
  return 0.02 * (profile.age - 54);
}

/** The old and the first segments are thought to be worth the cost of an arm, the last arm the most. */
function believed({ profile, segment }: Person, arms: number): number[] {
  const score = 0.03 * (profile.age - 54) - 0.3 * segment;
  const weights = Array.from({ length: arms }, (_, arm) => exp(score * arm));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function assignmentDays(stream: ReturnType<Draw>, months: number): { day: number; responseDay: number } {
  const half = (months * MONTH_DAYS) / 2;
  const day = half + 5 * uniform(stream);
  return { day, responseDay: day + 1 + 9 * uniform(stream) };
}

function upliftClass(untreated: boolean, treated: boolean): UpliftClass {
  if (untreated) return treated ? 'sure thing' : 'sleeping dog';
  return treated ? 'persuadable' : 'lost cause';
}
