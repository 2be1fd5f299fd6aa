/** Taking a long-term medicine: a two-state Markov chain over days, drawn by the lengths of its stays. */
import { bernoulli, geometric, normal } from '../../distributions.ts';
import { sigmoid } from '../../elementary.ts';
import type { Person } from '../person.ts';
import type { Draw } from './draw.ts';

export interface AdherenceParameters {
  /** Share of the customers with a long-term medicine. */
  share: number;
  /** Logits of stopping and of resuming on a day; spread by the patient's own normal. */
  stop: { logit: number; spread: number };
  resume: { logit: number; spread: number };
}

/** One stay in a state; the last of a life is cut by its end. */
export interface Stay {
  /** Whole days from the start. */
  from: number;
  to: number;
  taking: boolean;
}

export interface AdherenceTruth {
  /** Chances of stopping while taking and of resuming while not, on one day. */
  stop: number;
  resume: number;
  /** Proportion of days covered in the long run. */
  covered: number;
}

export function drawAdherence(
  draw: Draw,
  parameters: AdherenceParameters,
  { traits }: Person,
  days: number,
): { stays: Stay[]; truth: AdherenceTruth } | null {
  if (!bernoulli(draw('medicine'), parameters.share)) return null;
  const own = draw('adherence');
  const stop = sigmoid(
    parameters.stop.logit + parameters.stop.spread * normal(own) - 0.2 * traits.engagement,
  );
  const resume = sigmoid(
    parameters.resume.logit + parameters.resume.spread * normal(own) + 0.2 * traits.engagement,
  );
  const stays: Stay[] = [];
  for (let from = 0, taking = true; from < days; taking = !taking) {
    const length = geometric(draw('stay', stays.length), taking ? stop : resume);
    const to = Math.min(days, from + length);
    stays.push({ from, to, taking });
    from = to;
  }
  return { stays, truth: { stop, resume, covered: resume / (stop + resume) } };
}
