/**
 * The entry `@twinkeep/synthetic/fhir`: a simulated population of the health industry as FHIR R4 resources. Nobody in it exists, and every
 * resource says so: it is tagged as test health data (HTEST of v3-ActReason), and its identifiers belong to a system under `.invalid`,
 * which no resolver knows (RFC 2606).
 */
import type { CustomerEvent } from '@twinkeep/protocol';
import type { Simulation } from '../simulate/index.ts';

export const FHIR_TYPES = ['Patient', 'Appointment', 'MedicationRequest', 'Observation'] as const;
export type FhirType = (typeof FHIR_TYPES)[number];

export interface FhirResource {
  resourceType: FhirType;
  id: string;
  [element: string]: unknown;
}

const BASE = 'https://synthetic.invalid';
const META = {
  security: [
    {
      system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason',
      code: 'HTEST',
      display: 'test health data',
    },
  ],
  tag: [{ system: `${BASE}/tags`, code: 'synthetic', display: 'simulated, no person' }],
};
const APPOINTMENT_MINUTES = 20;

/** All resources of one patient: the patient first. @throws RangeError */
export function patientResources(simulation: Simulation, index: number, startTime: string): FhirResource[] {
  const { id, site, profile } = simulation.customer(index);
  const events = simulation.events(index);
  const subject = { reference: `Patient/${id}` };
  return [
    {
      resourceType: 'Patient',
      id,
      meta: META,
      identifier: [{ use: 'secondary', type: { text: 'synthetic' }, system: `${BASE}/patients`, value: id }],
      active: true,
      // A year, as exact as an age is known.
      birthDate: String(Number(startTime.slice(0, 4)) - profile.age),
      managingOrganization: { display: site },
    },
    ...events
      .filter(({ type }) => type === 'appointment.closed')
      .map((event, i) => appointment(id, i, event)),
    ...medication(id, events),
    ...events
      .filter(({ type }) => type === 'survey.nps')
      .map((event, i) => ({
        ...observation(`${id}-nps-${i}`, 'Likelihood to recommend, 0 to 10', subject),
        effectiveDateTime: event.time,
        valueInteger: event.data['score'],
      })),
    ...covered(id, simulation.record(index)['daysCovered'], events, startTime),
  ];
}

function appointment(patient: string, i: number, { time, data }: CustomerEvent): FhirResource {
  const start = Date.parse(time);
  const instant = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
  return {
    resourceType: 'Appointment',
    id: `${patient}-appointment-${i}`,
    meta: META,
    status: data['attended'] === true ? 'fulfilled' : 'noshow',
    created: instant(start - 86_400_000 * Number(data['leadDays'])),
    start: instant(start),
    end: instant(start + 60_000 * APPOINTMENT_MINUTES),
    minutesDuration: APPOINTMENT_MINUTES,
    comment: data['reminder'] === true ? 'A reminder was sent.' : 'No reminder was sent.',
    participant: [{ actor: { reference: `Patient/${patient}` }, status: 'accepted' }],
  };
}

/** One prescription of the long-term medicine, from the first day that it is taken. */
function medication(patient: string, events: readonly CustomerEvent[]): FhirResource[] {
  const changes = events.filter(({ type }) => type === 'medication.changed');
  const first = changes[0];
  if (first === undefined) return [];
  return [
    {
      resourceType: 'MedicationRequest',
      id: `${patient}-medication`,
      meta: META,
      status: 'active',
      intent: 'order',
      medicationCodeableConcept: { text: 'Long-term medicine (simulated)' },
      subject: { reference: `Patient/${patient}` },
      authoredOn: first.time,
    },
  ];
}

function covered(
  patient: string,
  share: unknown,
  events: readonly CustomerEvent[],
  startTime: string,
): FhirResource[] {
  if (typeof share !== 'number') return [];
  const end = events.at(-1)?.time ?? startTime;
  return [
    {
      ...observation(`${patient}-covered`, 'Proportion of days covered', { reference: `Patient/${patient}` }),
      effectivePeriod: { start: startTime, end },
      valueQuantity: { value: share, unit: '1', system: 'http://unitsofmeasure.org', code: '1' },
    },
  ];
}

function observation(id: string, text: string, subject: { reference: string }): FhirResource {
  return { resourceType: 'Observation', id, meta: META, status: 'final', code: { text }, subject };
}

/** NDJSON of one type, as FHIR Bulk Data has it; a line per resource. */
export function* fhirLines(
  simulation: Simulation,
  startTime: string,
  type: FhirType,
): Generator<string, void, void> {
  for (let index = 0; index < simulation.size; index++)
    for (const resource of patientResources(simulation, index, startTime))
      if (resource.resourceType === type) yield `${JSON.stringify(resource)}\n`;
}

/** All resources as one Bundle of type collection, in pieces. */
export function* fhirBundle(simulation: Simulation, startTime: string): Generator<string, void, void> {
  yield `{"resourceType":"Bundle","type":"collection","meta":${JSON.stringify(META)},"entry":[`;
  let first = true;
  for (let index = 0; index < simulation.size; index++)
    for (const resource of patientResources(simulation, index, startTime)) {
      const fullUrl = `${BASE}/fhir/${resource.resourceType}/${resource.id}`;
      yield `${first ? '' : ','}\n${JSON.stringify({ fullUrl, resource })}`;
      first = false;
    }
  yield '\n]}\n';
}
