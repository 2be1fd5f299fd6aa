import { bytesToBase64Url, canonicalBytes, sha256 } from '@twinkeep/audit';

import type { Category } from '../category.ts';
import { ConsentError } from '../errors.ts';
import type { Regime } from '../regime.ts';
import { GDPR_ART9, GDPR_OPTIN } from './gdpr.ts';
import { GLBA_NOTICE_OPTOUT, HIPAA_AUTH, US_CA_OPTOUT } from './us.ts';

// Which regime governs, by where the subject is, which category it is about, and in which sector the controller works.

/** Sectors that some law treats apart; every other is `general`. */
export const SECTORS = ['general', 'banking', 'insurance', 'healthcare'] as const;
export type Sector = (typeof SECTORS)[number];

export const REGIMES: readonly Regime[] = [
  GDPR_OPTIN,
  GDPR_ART9,
  US_CA_OPTOUT,
  GLBA_NOTICE_OPTOUT,
  HIPAA_AUTH,
];

/** European Economic Area, the United Kingdom and Switzerland, whose statutes ask for the same. */
const EUROPE =
  'EU AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(
    ' ',
  );

/** Where some law of the tables holds. */
export type Territory = 'Europe' | 'California' | 'United States' | 'elsewhere';

interface Rule {
  places: readonly Territory[] | 'any';
  sectors: readonly Sector[] | 'any';
  categories: readonly Category[] | 'any';
  regime: string;
}

const US: readonly Territory[] = ['United States', 'California'];

/**
 * The first row that fits counts. Psychographic data is inferred and reveals what Article 9 protects (CJEU C-184/20), and so
 * does whatever a health care provider keeps. GLBA covers the customer's financial data, not everything a bank knows. Where
 * no statute is listed, nothing happens without a yes.
 */
export const RESOLUTION: readonly Rule[] = [
  { places: ['Europe'], sectors: ['healthcare'], categories: 'any', regime: 'gdpr-art9@1' },
  { places: ['Europe'], sectors: 'any', categories: ['psychographic'], regime: 'gdpr-art9@1' },
  { places: ['Europe'], sectors: 'any', categories: 'any', regime: 'gdpr-optin@1' },
  { places: US, sectors: ['healthcare'], categories: 'any', regime: 'hipaa-auth@1' },
  {
    places: US,
    sectors: ['banking', 'insurance'],
    categories: ['transactional', 'interaction', 'third_party_enrichment', 'feedback'],
    regime: 'glba-notice-optout@1',
  },
  { places: ['California'], sectors: 'any', categories: 'any', regime: 'us-ca-optout@1' },
  { places: 'any', sectors: 'any', categories: ['psychographic'], regime: 'gdpr-art9@1' },
  { places: 'any', sectors: 'any', categories: 'any', regime: 'gdpr-optin@1' },
];

/** Counted up when the code that reads the tables decides otherwise than before. */
export const GATE_VERSION = 1;

/** `sha-256:<base64url>` of the tables and the gate's version: what an auditor needs to replay a decision. */
export const POLICY_HASH: string = `sha-256:${bytesToBase64Url(
  sha256(canonicalBytes({ gate: GATE_VERSION, regimes: REGIMES, resolution: RESOLUTION })),
)}`;

const BY_ID: ReadonlyMap<string, Regime> = new Map(REGIMES.map((regime) => [regime.id, regime]));

/** Throws `consent/regime-unknown`: an event under rules that this version cannot read must not be guessed at. */
export function findRegime(id: string): Regime {
  const regime = BY_ID.get(id);
  if (regime === undefined)
    throw new ConsentError('consent/regime-unknown', 'the event names a regime unknown to this version');
  return regime;
}

/**
 * The regimes of all places named, in the table's order. A yes must serve each of them, so that a further place never
 * allows what the others deny.
 */
export function resolveRegimes(
  places: readonly string[],
  category: Category,
  sector: Sector,
): readonly Regime[] {
  const known = RESOLVED.get(places) ?? new Map<string, readonly Regime[]>();
  RESOLVED.set(places, known);
  const key = `${sector} ${category}`;
  const regimes = known.get(key) ?? resolveAnew(places, category, sector);
  known.set(key, regimes);
  return regimes;
}

/** The same list of places is asked for at every decision about a subject. */
const RESOLVED = new WeakMap<readonly string[], Map<string, readonly Regime[]>>();

function resolveAnew(places: readonly string[], category: Category, sector: Sector): readonly Regime[] {
  if (places.length === 0) return [regimeAt('elsewhere', category, sector)];
  const regimes = places.map((place) => regimeAt(territoryOf(place), category, sector));
  return regimes.filter((regime, i) => regimes.indexOf(regime) === i);
}

/** The one regime under which to ask somebody there: that which serves all others too, where there is one. */
export function resolveRegime(jurisdiction: readonly string[], category: Category, sector: Sector): Regime {
  return strictestOf(resolveRegimes(specificPlaces(jurisdiction), category, sector));
}

export function strictestOf(regimes: readonly Regime[]): Regime {
  const serving = regimes.find((regime) => regimes.every((other) => serves(regime, other.id)));
  return serving ?? regimes[0]!;
}

export function serves(regime: Regime, required: string): boolean {
  return regime.id === required || regime.alsoServes.includes(required);
}

/** Without those that only frame another: a country beside its state, `EU` beside a member. */
export function specificPlaces(jurisdiction: readonly string[]): string[] {
  return jurisdiction.filter(
    (place) =>
      !jurisdiction.some(
        (other) =>
          other !== place &&
          (other.startsWith(`${place}-`) || (place === 'EU' && territoryOf(other) === 'Europe')),
      ),
  );
}

function territoryOf(place: string): Territory {
  const country = place.slice(0, 2);
  if (EUROPE.includes(country)) return 'Europe';
  if (country !== 'US') return 'elsewhere';
  return place === 'US-CA' ? 'California' : 'United States';
}

function regimeAt(place: Territory, category: Category, sector: Sector): Regime {
  const rule = RESOLUTION.find(
    ({ places, sectors, categories }) =>
      (places === 'any' || places.includes(place)) &&
      (sectors === 'any' || sectors.includes(sector)) &&
      (categories === 'any' || categories.includes(category)),
  );
  return findRegime(rule!.regime);
}
