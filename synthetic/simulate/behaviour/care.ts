/**
 * Troubles, tickets and surveys. Outages come by chance; tickets are a Hawkes process, drawn as its clusters (Hawkes, Oakes
 * 1974): some of themselves, some after each outage, and each ticket may bring others. The survey is an ordered logit of
 * satisfaction, and whether it is answered depends on the answer: missing not at random.
 */
import { bernoulli, categorical, exponential, logistic, poisson, uniform } from '../../distributions.ts';
import { exp } from '../../elementary.ts';
import type { Person } from '../person.ts';
import { MONTH_DAYS, type Draw } from './draw.ts';

export interface CareParameters {
  /** Tickets a month that nothing brought about, of a customer with average trouble. */
  ticketRate: number;
  /** Outages a month. */
  outageRate: number;
  /** Tickets that an outage brings about, and the mean days until one. */
  perOutage: number;
  outageDelay: number;
  /** Tickets that a ticket brings about (< 1), and the mean days until one. */
  perTicket: number;
  ticketDelay: number;
  resolved: number;
}

export const TICKET_CHANNELS = ['phone', 'chat', 'mail', 'branch'] as const;

export interface Outage {
  day: number;
  minutes: number;
}

export interface Ticket {
  day: number;
  channel: (typeof TICKET_CHANNELS)[number];
  resolved: boolean;
}

export interface CareTruth {
  /** Tickets a month that nothing brought about. */
  rate: number;
}

export interface Care {
  /** By time. */
  outages: readonly Outage[];
  /** By time. */
  tickets: readonly Ticket[];
  truth: CareTruth;
}

export function drawCare(draw: Draw, parameters: CareParameters, { traits }: Person, months: number): Care {
  const days = months * MONTH_DAYS;
  const rate = parameters.ticketRate * exp(0.6 * traits.trouble - 0.18);
  const outages = drawOutages(draw('outages'), parameters.outageRate * months, days);
  const arrivals = Array.from(
    { length: poisson(draw('ticket-count'), rate * months) },
    (_, i) => days * uniform(draw('ticket-own', i)),
  );
  for (const [i, { day }] of outages.entries()) {
    const stream = draw('ticket-of-outage', i);
    const count = poisson(stream, parameters.perOutage);
    for (let k = 0; k < count; k++) arrivals.push(day + parameters.outageDelay * exponential(stream));
  }
  // The list grows while it is read: children of children are drawn in turn.
  for (let i = 0; i < arrivals.length; i++) {
    const stream = draw('ticket-of-ticket', i);
    const count = poisson(stream, parameters.perTicket);
    for (let k = 0; k < count; k++)
      arrivals.push((arrivals[i] as number) + parameters.ticketDelay * exponential(stream));
  }
  const tickets = arrivals
    .map((day, i): Ticket => {
      const stream = draw('ticket', i);
      return {
        day,
        channel: categorical(stream, TICKET_CHANNELS, [0.45, 0.3, 0.15, 0.1]),
        resolved: bernoulli(stream, parameters.resolved),
      };
    })
    .filter(({ day }) => day < days)
    .sort((a, b) => a.day - b.day);
  return { outages, tickets, truth: { rate } };
}

function drawOutages(stream: ReturnType<Draw>, mean: number, days: number): Outage[] {
  return Array.from({ length: poisson(stream, mean) }, () => ({
    day: days * uniform(stream),
    minutes: Math.min(720, 5 + Math.floor(90 * exponential(stream))),
  })).sort((a, b) => a.day - b.day);
}

/** Latent answer = CENTRE + SLOPE * satisfaction + NOISE * logistic noise, rounded and kept within 0..10. */
const CENTRE = 7;
const SLOPE = 2.2;
const NOISE = 0.9;
/** Who is angry answers most, who is neither angry nor glad least. */
const RESPONSE = { detractor: 0.6, passive: 0.25, promoter: 0.45 } as const;

export interface Survey {
  month: number;
  day: number;
  /** What they would say, 0 to 10; reaches the data only if `answered`. */
  score: number;
  answered: boolean;
  satisfaction: number;
}

export function drawSurvey(draw: Draw, month: number, satisfaction: number): Survey {
  const stream = draw('survey', month);
  const latent = Math.round(CENTRE + SLOPE * satisfaction + NOISE * logistic(stream));
  const score = Math.min(10, Math.max(0, latent));
  const group = score <= 6 ? 'detractor' : score <= 8 ? 'passive' : 'promoter';
  const answered = bernoulli(stream, RESPONSE[group]);
  const day = MONTH_DAYS * (month + 0.8 + 0.2 * uniform(stream));
  return { month, day, score, answered, satisfaction };
}
