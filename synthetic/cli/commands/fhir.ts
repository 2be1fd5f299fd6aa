import { join } from 'node:path';
import { FHIR_TYPES, fhirBundle, fhirLines } from '@twinkeep/synthetic/fhir';
import type { Simulation } from '@twinkeep/synthetic/simulate';
import { UsageError } from '../command.ts';
import { writeWhole } from '../files.ts';

/** `ndjson`: a file per type of resource, as FHIR Bulk Data has it; `bundle`: one file. */
export async function writeFhir(
  simulation: Simulation,
  startTime: string,
  form: string,
  folder: string,
): Promise<void> {
  if (form === 'bundle') return writeWhole(join(folder, 'bundle.json'), fhirBundle(simulation, startTime));
  if (form !== 'ndjson') throw new UsageError(`--fhir: ${form} is neither ndjson nor bundle`);
  for (const type of FHIR_TYPES)
    await writeWhole(join(folder, `${type}.ndjson`), fhirLines(simulation, startTime, type));
}
