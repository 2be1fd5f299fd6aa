import {
  FHIR_TYPES,
  fhirBundle,
  fhirLines,
  patientResources,
  type FhirResource,
} from '@twinkeep/synthetic/fhir';
import { createSimulation, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { describe, expect, it } from 'vitest';

const startTime = '2025-01-01T00:00:00Z';
const options: SimulationOptions = { industry: 'health', seed: 4, customers: 120, months: 12, startTime };
const simulation = createSimulation(options);
const resources = Array.from({ length: simulation.size }, (_, i) =>
  patientResources(simulation, i, startTime),
);
const all = resources.flat();
const of = (type: string): FhirResource[] => all.filter(({ resourceType }) => resourceType === type);

describe('FHIR R4', () => {
  it('every resource says that it is synthetic, has an id of its own, and refers to its patient', () => {
    for (const resource of all) {
      expect(FHIR_TYPES).toContain(resource.resourceType);
      expect(resource.id).toMatch(/^[A-Za-z0-9.-]{1,64}$/);
      expect(resource['meta']).toMatchObject({
        security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HTEST' }],
        tag: [{ code: 'synthetic' }],
      });
    }
    expect(new Set(all.map(({ resourceType, id }) => `${resourceType}/${id}`)).size).toBe(all.length);
    for (const [index, own] of resources.entries()) {
      const patient = `Patient/health-${index}`;
      expect(own[0]).toMatchObject({ resourceType: 'Patient', id: `health-${index}` });
      expect(own[0]!['identifier']).toMatchObject([
        { system: 'https://synthetic.invalid/patients', type: { text: 'synthetic' } },
      ]);
      for (const resource of own.slice(1))
        expect(JSON.stringify(resource)).toContain(`"reference":"${patient}"`);
    }
  });

  it('appointments are those of the events: kept or missed, booked before, ended after', () => {
    const events = Array.from({ length: simulation.size }, (_, i) => simulation.events(i)).flat();
    const closed = events.filter(({ type }) => type === 'appointment.closed');
    const appointments = of('Appointment');
    expect(appointments.length).toBe(closed.length);
    expect(appointments.length).toBeGreaterThan(100);
    expect(appointments.filter(({ status }) => status === 'noshow').length).toBe(
      closed.filter(({ data }) => data['attended'] === false).length,
    );
    for (const [i, appointment] of appointments.entries()) {
      const { created, start, end, status } = appointment as unknown as Record<string, string>;
      expect(['fulfilled', 'noshow']).toContain(status);
      expect(start).toBe(closed[i]!.time);
      expect(Date.parse(start!) - Date.parse(created!)).toBe(
        86_400_000 * Number(closed[i]!.data['leadDays']),
      );
      expect(Date.parse(end!)).toBe(Date.parse(start!) + 20 * 60_000);
    }
  });

  it('one prescription per patient with the medicine, and days covered as the table has them', () => {
    const taking = Array.from({ length: simulation.size }, (_, i) => simulation.record(i)['daysCovered']);
    const known = taking.filter((share) => share !== null);
    expect(of('MedicationRequest').length).toBe(known.length);
    const covered = of('Observation').filter(({ id }) => id.endsWith('-covered'));
    expect(covered.map(({ valueQuantity }) => (valueQuantity as { value: number }).value)).toEqual(known);
    for (const { intent, status, subject } of of('MedicationRequest') as unknown as Record<string, unknown>[])
      expect([intent, status, typeof (subject as { reference: string }).reference]).toEqual([
        'order',
        'active',
        'string',
      ]);
  });

  it('as bulk NDJSON and as a bundle: the same resources, the same bytes again', () => {
    const lines = FHIR_TYPES.flatMap((type) => [...fhirLines(simulation, startTime, type)]);
    expect(lines.map((line) => JSON.parse(line) as FhirResource)).toEqual(FHIR_TYPES.flatMap(of));
    const text = [...fhirBundle(simulation, startTime)].join('');
    const bundle = JSON.parse(text) as { type: string; entry: { fullUrl: string; resource: FhirResource }[] };
    expect(bundle.type).toBe('collection');
    expect(bundle.entry.map(({ resource }) => resource)).toEqual(all);
    for (const { fullUrl, resource } of bundle.entry)
      expect(fullUrl).toBe(`https://synthetic.invalid/fhir/${resource.resourceType}/${resource.id}`);
    expect([...fhirBundle(createSimulation(options), startTime)].join('')).toBe(text);
  });
});
