/** Appointments and who misses them: a logit of lead time, age, earlier no-shows, distance and a reminder sent by lot. */
import { bernoulli, exponential, gamma } from '../../distributions.ts';
import { sigmoid } from '../../elementary.ts';
import type { Person } from '../person.ts';
import type { Draw } from './draw.ts';

export interface AppointmentParameters {
  /** Appointments a month of an average patient, and the shape of the Gamma that spreads patients around it. */
  rate: number;
  shape: number;
  /** Mean days between booking and appointment. */
  leadDays: number;
  reminderShare: number;
  /** Logits: per day of lead time (at most 60), year of age above 45, earlier no-show (at most 3), kilometre (at most 40), reminder. */
  noShow: { intercept: number; lead: number; age: number; past: number; distance: number; reminder: number };
}

export interface Appointment {
  day: number;
  leadDays: number;
  reminder: boolean;
  attended: boolean;
  /** Chance of a no-show. */
  risk: number;
}

export function drawAppointments(
  draw: Draw,
  parameters: AppointmentParameters,
  { profile }: Person,
  days: number,
): Appointment[] {
  const { noShow, shape } = parameters;
  const rate = (parameters.rate / 30) * (gamma(draw('appointment-rate'), shape) / shape);
  const appointments: Appointment[] = [];
  let past = 0;
  for (let day = 0; ;) {
    const stream = draw('appointment', appointments.length);
    day += exponential(stream) / rate;
    if (!(day < days)) return appointments;
    const leadDays = Math.min(180, Math.floor(parameters.leadDays * exponential(stream)));
    const reminder = bernoulli(stream, parameters.reminderShare);
    const risk = sigmoid(
      noShow.intercept +
        noShow.lead * Math.min(60, leadDays) +
        noShow.age * (profile.age - 45) +
        noShow.past * Math.min(3, past) +
        noShow.distance * Math.min(40, profile.distanceKm) +
        noShow.reminder * Number(reminder),
    );
    const attended = !bernoulli(stream, risk);
    past += Number(!attended);
    appointments.push({ day, leadDays, reminder, attended, risk });
  }
}
