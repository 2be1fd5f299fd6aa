/**
 * A version as a DCAT 3 data set in JSON-LD (W3C Recommendation of 22 August 2024), with where it comes from in PROV-O. For catalogues that harvest;
 * it says of the data what the registry says and nothing else.
 */
import type { DataSetVersion, StoredFile } from './version.ts';

const CONTEXT = {
  dcat: 'http://www.w3.org/ns/dcat#',
  dct: 'http://purl.org/dc/terms/',
  prov: 'http://www.w3.org/ns/prov#',
  spdx: 'http://spdx.org/rdf/terms#',
  xsd: 'http://www.w3.org/2001/XMLSchema#',
  twinkeep: 'https://twinkeep.invalid/ns#',
};

/** `hashToHex`: of the hash's base64url. */
export function versionToDcat(
  version: DataSetVersion,
  hashToHex: (hash: string) => string,
): Record<string, unknown> {
  const { name, version: number, created, title, licence, rows, schema, files, previous } = version;
  const id = (of: number): string => `urn:twinkeep:dataset:${name}:${of}`;
  const distribution = (file: StoredFile): Record<string, unknown> => ({
    '@type': 'dcat:Distribution',
    'dcat:mediaType': { '@id': `https://www.iana.org/assignments/media-types/${file.mediaType}` },
    'dcat:byteSize': { '@type': 'xsd:nonNegativeInteger', '@value': String(file.bytes) },
    'spdx:checksum': {
      '@type': 'spdx:Checksum',
      'spdx:algorithm': { '@id': 'spdx:checksumAlgorithm_sha256' },
      'spdx:checksumValue': { '@type': 'xsd:hexBinary', '@value': hashToHex(file.hash) },
    },
  });
  return {
    '@context': CONTEXT,
    '@id': id(number),
    '@type': 'dcat:Dataset',
    'dct:identifier': `${name}@${number}`,
    'dct:title': title ?? name,
    'dct:issued': { '@type': 'xsd:dateTime', '@value': created },
    'dcat:version': String(number),
    ...(previous === null ? {} : { 'dcat:previousVersion': { '@id': id(number - 1) } }),
    'dcat:inSeries': { '@type': 'dcat:DatasetSeries', '@id': `urn:twinkeep:dataset:${name}` },
    ...(licence === null ? {} : { 'dct:license': licenceOf(licence) }),
    'twinkeep:rows': rows,
    'dcat:keyword': schema.columns.map((column) => column.name),
    'dcat:distribution': [distribution(files.data)],
    ...generation(version, id(number)),
  };
}

function licenceOf(licence: string): Record<string, unknown> {
  if (/^https?:\/\//.test(licence)) return { '@id': licence };
  if (/^[A-Za-z0-9.+-]+$/.test(licence)) return { '@id': `http://spdx.org/licenses/${licence}` };
  return { '@type': 'dct:LicenseDocument', 'dct:title': licence };
}

/** The activity that made it, and what that used. */
function generation({ provenance, files }: DataSetVersion, id: string): Record<string, unknown> {
  const activity = (label: string, more: Record<string, unknown>): Record<string, unknown> => ({
    'prov:wasGeneratedBy': { '@id': `${id}:made`, '@type': 'prov:Activity', 'dct:title': label, ...more },
  });
  if (provenance.kind === 'simulated')
    return activity('simulation', { 'twinkeep:options': { '@type': '@json', '@value': provenance.options } });
  const source =
    provenance.source === null
      ? {}
      : { 'prov:wasDerivedFrom': { '@type': 'prov:Entity', 'dct:title': provenance.source } };
  if (provenance.kind === 'stated') return source;
  const { method, target, privacy } = provenance;
  return {
    ...source,
    ...activity(`sampling of a model (${method})`, {
      ...(files.model === undefined
        ? {}
        : { 'prov:used': { '@type': 'prov:Entity', '@id': `urn:twinkeep:model:${files.model.hash}` } }),
      ...(target === null ? {} : { 'twinkeep:target': target }),
      'twinkeep:differentialPrivacy': { '@type': '@json', '@value': privacy },
    }),
  };
}
