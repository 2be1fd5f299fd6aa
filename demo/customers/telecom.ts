/** Invented customers of a telecom operator: the events of half a year, and whether they left in the three months after it. */
import { CATEGORIES } from '@twinkeep/consent';
import { inputWidth, NOISY_SETTINGS, parseTask, standardPrivacy, type TaskSpec } from '@twinkeep/protocol';
import { DEFAULT_ROUNDS } from '@twinkeep/region';
import {
  createTelecomPopulation,
  telecomFeatures,
  telecomLabel,
  telecomRequiredCategories,
} from '@twinkeep/synthetic';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { count } from '../progress.ts';
import { demoSettings, privacyAsked, type Customers, type TaskSettings } from './customers.ts';

const PURPOSE = 'https://w3id.org/dpv#CustomerRelationshipManagement';
export const HORIZON_DAYS = 90;
const DAY_MS = 86_400_000;

/** @param now milliseconds since 1970: the horizon ends on this day, so that labels are known and nothing is past its retention */
export function telecomCustomers(customers: number, seed: number, now: number): Customers {
  const reference = (Math.floor(now / DAY_MS) - HORIZON_DAYS) * DAY_MS;
  const referenceTime = `${new Date(reference).toISOString().slice(0, 19)}Z`;
  const population = createTelecomPopulation({ seed, customers, referenceTime, horizonDays: HORIZON_DAYS });
  return {
    title: `${count(customers)} synthetic telecom customers`,
    size: customers,
    task: telecomTask,
    async writeFor(folder, members) {
      const files = { events: join(folder, 'customers.ndjson'), consent: join(folder, 'consent.json') };
      const names = members.map((index) => population.customer(index).id);
      const lines = members.flatMap((index) => {
        const { id: customer, consent } = population.customer(index);
        const events = population.customerEvents(index).map((event) => ({ customer, event }));
        return [{ customer, consent }, ...events].map((line) => `${JSON.stringify(line)}\n`);
      });
      await writeFile(files.events, lines.join(''), { mode: 0o600 });
      await writeFile(files.consent, JSON.stringify(CONSENT_TERMS), { mode: 0o600 });
      return { importArgs: ['--events', files.events, '--consent', files.consent], names };
    },
    events: (index) => population.customerEvents(index),
  };
}

/** Where sums are exact: Adam over full batches of all twins; tuned on other seeds than the default one. */
export const EXACT_SETTINGS: Pick<TaskSpec, 'clipL2' | 'optimizer' | 'evaluation'> = {
  clipL2: 8,
  optimizer: { kind: 'adam', learningRate: 0.04, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decay: 0 },
  evaluation: { bins: 400, logitRange: 8, maxLoss: 8, holdout: 0.2 },
};

function telecomTask(settings: TaskSettings): TaskSpec {
  const rounds = settings.rounds ?? DEFAULT_ROUNDS;
  const privacy = privacyAsked(settings.privacy, rounds) ?? standardPrivacy(rounds);
  const { bins, ...noisy } = NOISY_SETTINGS;
  const settingsOf =
    privacy.mech === 'none'
      ? EXACT_SETTINGS
      : { ...noisy, evaluation: { ...EXACT_SETTINGS.evaluation, bins } };
  return parseTask({
    v: 1,
    taskId: settings.taskId,
    title: 'Which customers are about to leave, so that they can be made a better offer in time',
    purpose: PURPOSE,
    sector: 'general',
    categories: {
      required: [...telecomRequiredCategories],
      optional: CATEGORIES.filter((category) => !telecomRequiredCategories.includes(category)),
    },
    features: [...telecomFeatures],
    label: telecomLabel(HORIZON_DAYS),
    model: {
      kind: 'mlp',
      inputs: inputWidth(telecomFeatures),
      hidden: [32],
      outputs: 1,
      activation: 'tanh',
      seed: settings.seed,
    },
    ...settingsOf,
    rounds,
    helpers: { m: 4, c: 1, mode: 'quorum', q: 3 },
    bits: 32,
    privacy,
    ...demoSettings(settings),
  });
}

const CONSENT_TERMS = {
  purpose: PURPOSE,
  notice: {
    id: 'demo-notice',
    version: '1',
    lang: 'en',
    text: 'We would like your digital twin to learn, at your branch, when customers like you are about to leave.',
  },
  required: [...telecomRequiredCategories],
  evidence: 'synthetic customers: their answers were drawn from a seed',
};
