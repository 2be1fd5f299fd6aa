import type { ConsentEvent, ConsentGrant, ConsentNotice, LoggedConsent } from '../event.ts';
import { instantToMillis, millisToInstant } from '../instant.ts';
import { isYes } from '../require.ts';
import {
  ACTOR_IRIS,
  CONSENT_TYPE_IRIS,
  CONTEXT,
  GDPR_RIGHTS,
  OPERATION_IRIS,
  PROFILES,
  STATUS_IRIS,
} from './vocabulary.ts';
import type { ExportParties, Party } from './vocabulary.ts';

// ISO/IEC TS 27560:2023 consent records as JSON-LD in DPV terms. An export: nothing reads it back, and whoever doubts it
// asks for the signed events, whose hashes it names.

export type JsonLd = { readonly [key: string]: JsonLdValue };
type JsonLdValue = string | boolean | JsonLd | readonly JsonLdValue[];

/**
 * One record of one subject's chain: what was said of which processing, and all events in log order.
 * @param events logged, of one subject and controller, at least one
 */
export function eventsToRecord(events: readonly LoggedConsent[], parties: ExportParties): JsonLd {
  const ordered = events.toSorted((a, b) => a.index - b.index);
  const first = ordered[0]!.event;
  const isGdpr = ordered.some(({ event }) => event.regime.startsWith('gdpr-'));
  const places = [...new Set(ordered.flatMap(({ event }) => event.jurisdiction))];
  return {
    '@context': CONTEXT,
    '@id': `urn:twinkeep:consent-record:${first.recordId}`,
    '@type': 'dpv:ConsentRecord',
    'dct:identifier': first.recordId,
    'dct:conformsTo': isGdpr ? PROFILES.recordGdpr : PROFILES.record,
    'dpv:hasDataSubject': { '@id': subjectIri(first), '@type': 'dpv:DataSubject' },
    'dpv:hasDataController': partyToJsonLd(parties.controller, 'dpv:DataController'),
    'dpv:hasRecipient': parties.recipients.map((party) => partyToJsonLd(party, 'dpv:Recipient')),
    'dpv:hasService': parties.service,
    'dpv:hasJurisdiction': places.map((place) => ({ '@id': `loc:${place}` })),
    'dpv:hasNotice': distinctNotices(ordered).map(noticeToJsonLd),
    'dpv:hasConsentControl': { '@type': 'dpv:WithdrawConsent', 'schema:url': parties.withdrawal },
    ...(isGdpr ? { 'dpv:hasRight': GDPR_RIGHTS.map((right) => ({ '@id': right })) } : {}),
    ...(parties.authority === undefined ? {} : { 'dpv:hasAuthority': parties.authority }),
    'dpv:hasProcess': latestLines(ordered).map(lineToProcess),
    'dct:hasPart': ordered.flatMap(eventToActivity),
  };
}

export function subjectIri({ subject }: ConsentEvent): string {
  return `urn:twinkeep:subject:${subject}`;
}

export function partyToJsonLd({ id, name, address, email, phone, type }: Party, role: string): JsonLd {
  return {
    '@id': id,
    '@type': role,
    'dpv:hasName': name,
    'dpv:hasAddress': {
      '@type': 'schema:PostalAddress',
      'schema:streetAddress': address.street,
      'schema:addressLocality': address.city,
      'schema:postalCode': address.postalCode,
      'schema:addressCountry': address.country,
    },
    'dpv:hasContact': email,
    ...(phone === undefined ? {} : { 'schema:telephone': phone }),
    'schema:additionalType': type,
  };
}

function distinctNotices(ordered: readonly LoggedConsent[]): ConsentNotice[] {
  return [...new Map(ordered.map(({ event }) => [event.notice.hash, event.notice])).values()];
}

export function noticeToJsonLd({ id, version, lang, hash, renderedHash, uri }: ConsentNotice): JsonLd {
  return {
    '@id': uri ?? `urn:twinkeep:notice:${hash}`,
    '@type': 'dpv:ConsentNotice',
    'dct:identifier': id,
    'dct:hasVersion': version,
    'dct:language': lang,
    'twin:hash': hash,
    ...(renderedHash === undefined ? {} : { 'twin:renderedHash': renderedHash }),
  };
}

/** What was said last of each category and purpose, with terms where any were said. */
function latestLines(ordered: readonly LoggedConsent[]): ConsentGrant[] {
  const latest = new Map<string, ConsentGrant>();
  for (const { event } of ordered) {
    for (const line of event.grants) {
      const key = `${line.category} ${line.purpose}`;
      const { state } = line;
      // A no names cells and no terms; the record keeps what the yes before it had promised.
      latest.set(key, isYes(event) ? line : { ...latest.get(key), ...line, state });
    }
  }
  return [...latest.values()];
}

export function lineToProcess(line: ConsentGrant): JsonLd {
  const { category, pdIri = [], purpose, operations, legalBasis, necessity, state } = line;
  return {
    '@type': 'dpv:Process',
    'twin:category': category,
    'dpv:hasPurpose': { '@id': purpose },
    'dpv:hasPersonalData': pdIri.map((iri) => ({ '@id': iri })),
    'dpv:hasProcessing': [...new Set(operations.flatMap((operation) => OPERATION_IRIS[operation]))].map(
      (iri) => ({
        '@id': iri,
      }),
    ),
    'twin:operations': operations,
    'dpv:hasLegalBasis': { '@id': legalBasis },
    'dpv:hasNecessity': { '@id': necessity === 'required' ? 'dpv:Required' : 'dpv:Optional' },
    'dpv:hasConsentStatus': { '@id': STATUS_IRIS[state] },
    ...(line.consentType === undefined
      ? {}
      : { 'dpv:hasConsentType': { '@id': CONSENT_TYPE_IRIS[line.consentType] } }),
    ...(line.source === undefined ? {} : { 'dpv:hasDataSource': { '@id': line.source } }),
    ...(line.storage === undefined ? {} : { 'dpv:hasStorageCondition': storageToJsonLd(line.storage) }),
    ...(line.recipients === undefined
      ? {}
      : { 'dpv:hasRecipient': line.recipients.map((id) => ({ '@id': id })) }),
    ...(line.regions === undefined
      ? {}
      : { 'dpv:hasLocation': line.regions.map((place) => ({ '@id': `loc:${place}` })) }),
  };
}

function storageToJsonLd({ location, retention, deletion }: NonNullable<ConsentGrant['storage']>): JsonLd[] {
  const place = location === 'device' ? 'dpv:WithinDevice' : location;
  return [
    { '@type': 'dpv:StorageLocation', 'dpv:hasLocation': { '@id': place } },
    { '@type': 'dpv:StorageDuration', 'dpv:hasDuration': retention },
    { '@type': 'dpv:StorageDeletion', 'dpv:hasDuration': deletion },
  ];
}

/** One activity per state that an event declares; events about the subject as a whole are none of consent's. */
export function eventToActivity({ id, event, receivedAt, index }: LoggedConsent): JsonLd[] {
  const states = [...new Set(event.grants.map(({ state }) => state))];
  return states.map((state) => {
    const lines = event.grants.filter((line) => line.state === state);
    const ends = lines.flatMap(({ validUntil, expiryEvent }) => validUntil ?? expiryEvent ?? []);
    return {
      '@id': `urn:twinkeep:consent-event:${id}`,
      '@type': 'dpv:ConsentStatus',
      'dpv:hasConsentStatus': { '@id': STATUS_IRIS[state] },
      'twin:event': event.event.type,
      'dct:date': event.event.at,
      'twin:receivedAt': millisToInstant(receivedAt),
      'twin:logIndex': String(index),
      ...(ends.length === 0 ? {} : { 'dct:valid': ends.toSorted(byEnd)[0]! }),
      'dpv:isIndicatedBy': { '@id': signerIri(event), '@type': ACTOR_IRIS[event.event.by] },
      'dpv:hasIndicationMethod': event.event.method,
      'dct:subject': [...new Set(lines.map(({ category }) => category))],
    };
  });
}

/** Dates before events that have none. */
function byEnd(a: string, b: string): number {
  const [first, second] = [instantToMillis(a), instantToMillis(b)];
  if (Number.isNaN(first) || Number.isNaN(second))
    return Number(Number.isNaN(first)) - Number(Number.isNaN(second));
  return first - second;
}

function signerIri(event: ConsentEvent): string {
  const { by } = event.event;
  if (by === 'subject') return subjectIri(event);
  if (by === 'collector') return event.collectedBy!.party;
  return by === 'controller' ? event.controller : `urn:twinkeep:delegation:${event.delegation!}`;
}
