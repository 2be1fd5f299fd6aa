/** One customer's whole life in the simulation, from their number alone. Behind both what is shown and the answer key. */
import { bernoulli, normal } from '../distributions.ts';
import { checkIndex } from '../population.ts';
import { createRandomSource, type RandomSource } from '../prng.ts';
import { drawAdherence, type AdherenceTruth, type Stay } from './behaviour/adherence.ts';
import { drawAppointments, type Appointment } from './behaviour/appointments.ts';
import { drawBaskets, type BasketTruth, type Purchase } from './behaviour/baskets.ts';
import { drawCampaign, type Campaign } from './behaviour/campaign.ts';
import { drawCare, drawSurvey, type Care, type Survey } from './behaviour/care.ts';
import { drawChoiceWorld, drawSessions, type ChoiceWorld, type Session } from './behaviour/choice.ts';
import { MONTH_DAYS, type Draw } from './behaviour/draw.ts';
import { drawOrders, type Order, type OrderTruth } from './behaviour/orders.ts';
import { drawSubscription, satisfactionAt, type Subscription } from './behaviour/subscription.ts';
import { createMarket, type Market } from './market.ts';
import { checkSimulation, type CheckedSimulation, type SimulationOptions } from './options.ts';
import { drawPerson, type Person } from './person.ts';
import type { IndustryPreset } from './preset.ts';
import { PRESETS } from './presets.ts';
import { drawSites, type Site } from './sites.ts';

export interface Life {
  index: number;
  person: Person;
  site: Site;
  /** Nothing of them reaches the data from this day on. */
  end: number;
  care: Care;
  surveys: readonly Survey[];
  sessions: readonly Session[];
  /** Null for who left before it. */
  campaign: Campaign | null;
  orders: { orders: Order[]; truth: OrderTruth } | null;
  baskets: { purchases: Purchase[]; truth: BasketTruth } | null;
  subscription: Subscription | null;
  appointments: readonly Appointment[] | null;
  /** Null where the industry knows none or the customer takes no long-term medicine. */
  adherence: { stays: Stay[]; truth: AdherenceTruth } | null;
}

/** What all customers of a simulation share. */
export interface World {
  options: CheckedSimulation;
  preset: IndustryPreset;
  random: RandomSource;
  sites: readonly Site[];
  choice: ChoiceWorld;
  market: Market | null;
  /** @throws RangeError */
  person(index: number): Person;
  /** @throws RangeError */
  life(index: number): Life;
}

const SURVEY_EVERY = 3;

/** @throws RangeError */
export function createWorld(unchecked: SimulationOptions): World {
  const options = checkSimulation(unchecked);
  const preset = PRESETS[options.industry];
  const random = createRandomSource(options.seed);
  const sites = drawSites(random, options, preset.segments);
  const choice = drawChoiceWorld(random, preset.choice, preset.segments.length);
  const weeks = Math.floor((options.months * MONTH_DAYS) / 7);
  const market =
    preset.market === undefined
      ? null
      : createMarket(random, preset.market, sites, weeks, options.prices === 'endogenous');
  const world: World = {
    options,
    preset,
    random,
    sites,
    choice,
    market,
    person(index) {
      checkIndex(index, options.customers);
      return drawPerson(random, index, options, preset, sites);
    },
    life: (index) => drawLife(world, index, world.person(index)),
  };
  return world;
}

function drawLife(world: World, index: number, person: Person): Life {
  const { options, preset, random, sites, market } = world;
  const { months } = options;
  const days = months * MONTH_DAYS;
  const site = sites[person.site] as Site;
  const draw: Draw = (field, ordinal) => random.stream(index, field, ordinal);

  const care = drawCare(draw, preset.care, person, months);
  const subscription =
    preset.subscription === undefined
      ? null
      : drawSubscription(draw, random, preset.subscription, person, site.labelShift, care, months);
  const end = subscription?.leftOn ?? days;
  const campaign = drawCampaign(draw, preset.campaign, person, site.labelShift, months);
  return {
    index,
    person,
    site,
    end,
    care,
    subscription,
    surveys: drawSurveys(draw, person, care, subscription, end),
    sessions: drawAllSessions(draw, world, person, end),
    campaign: campaign.day < end ? campaign : null,
    orders: preset.orders === undefined ? null : drawOrders(draw, preset.orders, days),
    baskets:
      preset.market === undefined || market === null
        ? null
        : drawBaskets(draw, preset.market, market, person, months),
    appointments:
      preset.appointments === undefined ? null : drawAppointments(draw, preset.appointments, person, days),
    adherence: preset.adherence === undefined ? null : drawAdherence(draw, preset.adherence, person, days),
  };
}

function drawSurveys(
  draw: Draw,
  person: Person,
  care: Care,
  subscription: Subscription | null,
  end: number,
): Survey[] {
  const surveys: Survey[] = [];
  for (let month = SURVEY_EVERY - 1; MONTH_DAYS * (month + 1) <= end; month += SURVEY_EVERY) {
    const satisfaction =
      subscription?.months[month]?.satisfaction ?? satisfactionAt(person, care, [], 0, month);
    surveys.push(drawSurvey(draw, month, satisfaction));
  }
  return surveys;
}

/** Engagement wanders around the customer's own, an AR(1), and once in four years something takes most of it for a while. */
function drawAllSessions(draw: Draw, world: World, person: Person, end: number): Session[] {
  const sessions: Session[] = [];
  let wander = 0;
  let loss = 0;
  for (let month = 0; MONTH_DAYS * month < end; month++) {
    const stream = draw('engagement-path', month);
    wander = 0.8 * wander + 0.3 * normal(stream);
    loss = bernoulli(stream, 0.02) ? 1.5 : 0.7 * loss;
    const engagement = 0.4 * person.traits.engagement + wander - loss;
    sessions.push(...drawSessions(draw, world.preset.choice, world.choice, person, month, engagement));
  }
  return sessions.filter(({ day }) => day < end);
}
