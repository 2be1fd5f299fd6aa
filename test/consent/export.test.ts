import type { ExportParties, JsonLd, LoggedConsent } from '@twinkeep/consent';
import { eventToKantara, eventToReceipt, eventsToRecord } from '@twinkeep/consent';
import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';

import { DAY, PURPOSE, START, SUBJECT, TERMS } from './fixtures.ts';
import { history } from './histories.ts';
import { idOf } from './history-events.ts';
import { DELEGATE, OFFICER, tell } from './people.ts';

const ADDRESS = { street: 'Main Street 1', city: 'Springfield', postalCode: '12345', country: 'DE' };
const PARTIES: ExportParties = {
  controller: {
    id: 'https://bank.example',
    name: 'Example Bank',
    address: ADDRESS,
    email: 'privacy@bank.example',
    phone: '+49 30 1234',
    type: 'Bank',
  },
  recipients: [
    {
      id: 'https://lab.example',
      name: 'Example Lab',
      address: ADDRESS,
      email: 'info@lab.example',
      type: 'Processor',
    },
  ],
  service: 'Banking app',
  policy: 'https://bank.example/privacy',
  withdrawal: 'https://bank.example/account/consent',
  authority: 'https://authority.example',
};

const STORY = tell(
  {
    type: 'grant',
    categories: { required: ['behavioral'], optional: ['transactional'] },
    terms: { ...TERMS, recipients: ['https://bank.example', 'https://lab.example'], regions: ['EU'] },
  },
  {
    type: 'grant',
    categories: { required: [], optional: ['psychographic'] },
    terms: { ...TERMS, consentType: 'explicit' },
  },
  { type: 'delegate', delegate: DELEGATE },
  { type: 'withdraw', categories: { required: [], optional: ['transactional'] }, provenance: OFFICER },
);

// The forms that the standards give, member by member. Nothing more, nothing less.

const iri = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9+.-]*:\S+$/i));
const ref = v.strictObject({ '@id': iri });
const text = v.pipe(v.string(), v.minLength(1));
const instant = v.pipe(v.string(), v.isoTimestamp());
const duration = v.pipe(v.string(), v.regex(/^P/));
const typed = <T extends string>(type: T): v.LiteralSchema<T, undefined> => v.literal(type);
const context = v.record(v.string(), iri);

const party = v.strictObject({
  '@id': iri,
  '@type': v.picklist(['dpv:DataController', 'dpv:Recipient']),
  'dpv:hasName': text,
  'dpv:hasAddress': v.strictObject({
    '@type': typed('schema:PostalAddress'),
    'schema:streetAddress': text,
    'schema:addressLocality': text,
    'schema:postalCode': text,
    'schema:addressCountry': text,
  }),
  'dpv:hasContact': text,
  'schema:telephone': v.exactOptional(text),
  'schema:additionalType': text,
});
const notice = v.strictObject({
  '@id': iri,
  '@type': typed('dpv:ConsentNotice'),
  'dct:identifier': text,
  'dct:hasVersion': text,
  'dct:language': text,
  'twin:hash': text,
  'twin:renderedHash': v.exactOptional(text),
});
const process = v.strictObject({
  '@type': typed('dpv:Process'),
  'twin:category': text,
  'dpv:hasPurpose': ref,
  'dpv:hasPersonalData': v.pipe(v.array(ref), v.minLength(1)),
  'dpv:hasProcessing': v.pipe(v.array(ref), v.minLength(1)),
  'twin:operations': v.pipe(v.array(text), v.minLength(1)),
  'dpv:hasLegalBasis': ref,
  'dpv:hasNecessity': v.strictObject({ '@id': v.picklist(['dpv:Required', 'dpv:Optional']) }),
  'dpv:hasConsentStatus': ref,
  'dpv:hasConsentType': v.exactOptional(
    v.strictObject({ '@id': v.picklist(['dpv:ExpressedConsent', 'dpv:ExplicitlyExpressedConsent']) }),
  ),
  'dpv:hasDataSource': v.exactOptional(ref),
  'dpv:hasStorageCondition': v.exactOptional(
    v.strictTuple([
      v.strictObject({ '@type': typed('dpv:StorageLocation'), 'dpv:hasLocation': ref }),
      v.strictObject({ '@type': typed('dpv:StorageDuration'), 'dpv:hasDuration': duration }),
      v.strictObject({ '@type': typed('dpv:StorageDeletion'), 'dpv:hasDuration': duration }),
    ]),
  ),
  'dpv:hasRecipient': v.exactOptional(v.array(ref)),
  'dpv:hasLocation': v.exactOptional(v.array(ref)),
});
const activity = v.strictObject({
  '@id': iri,
  '@type': typed('dpv:ConsentStatus'),
  'dpv:hasConsentStatus': ref,
  'twin:event': text,
  'dct:date': instant,
  'twin:receivedAt': instant,
  'twin:logIndex': v.pipe(v.string(), v.digits()),
  'dct:valid': v.exactOptional(text),
  'dpv:isIndicatedBy': v.strictObject({ '@id': iri, '@type': iri }),
  'dpv:hasIndicationMethod': text,
  'dct:subject': v.pipe(v.array(text), v.minLength(1)),
});
const control = v.strictObject({ '@type': typed('dpv:WithdrawConsent'), 'schema:url': iri });
const profile = (kind: 'record' | 'receipt'): v.GenericSchema<string> =>
  v.pipe(v.string(), v.regex(new RegExp(`^https://w3id\\.org/dpv/schema/dpv-27560#${kind}(-eu-gdpr)?$`)));

const recordSchema = v.strictObject({
  '@context': context,
  '@id': iri,
  '@type': typed('dpv:ConsentRecord'),
  'dct:identifier': text,
  'dct:conformsTo': profile('record'),
  'dpv:hasDataSubject': v.strictObject({ '@id': iri, '@type': typed('dpv:DataSubject') }),
  'dpv:hasDataController': party,
  'dpv:hasRecipient': v.array(party),
  'dpv:hasService': text,
  'dpv:hasJurisdiction': v.pipe(v.array(ref), v.minLength(1)),
  'dpv:hasNotice': v.pipe(v.array(notice), v.minLength(1)),
  'dpv:hasConsentControl': control,
  'dpv:hasRight': v.exactOptional(v.pipe(v.array(ref), v.minLength(1))),
  'dpv:hasAuthority': v.exactOptional(iri),
  'dpv:hasProcess': v.array(process),
  'dct:hasPart': v.array(activity),
});
const receiptSchema = v.strictObject({
  '@context': context,
  '@id': iri,
  '@type': typed('dpv:ConsentReceipt'),
  'dct:identifier': text,
  'dct:conformsTo': profile('receipt'),
  'dct:created': instant,
  'dct:publisher': party,
  'dpv:hasRecipient': v.strictObject({ '@id': iri, '@type': typed('dpv:DataSubject') }),
  'dpv:hasRecordOfActivity': v.strictObject({
    '@id': iri,
    '@type': typed('dpv:ConsentRecord'),
    'dct:identifier': text,
    'dct:conformsTo': profile('record'),
    'dpv:hasNotice': notice,
    'dpv:hasConsentControl': control,
    'dpv:hasProcess': v.array(process),
    'dct:hasPart': v.array(activity),
  }),
  'twin:jws': text,
  'twin:tlogProof': text,
});
const kantaraSchema = v.strictObject({
  version: typed('KI-CR-v1.1.0'),
  jurisdiction: text,
  consentTimestamp: v.pipe(v.number(), v.integer(), v.maxValue(1e11)),
  collectionMethod: text,
  consentReceiptID: text,
  language: text,
  piiPrincipalId: text,
  piiControllers: v.pipe(
    v.array(
      v.strictObject({
        piiController: text,
        onBehalf: v.boolean(),
        contact: text,
        address: v.strictObject({
          streetAddress: text,
          addressLocality: text,
          postalCode: text,
          addressCountry: text,
        }),
        email: text,
        phone: v.string(),
      }),
    ),
    v.minLength(1),
  ),
  policyUrl: iri,
  services: v.pipe(
    v.array(
      v.strictObject({
        service: text,
        purposes: v.pipe(
          v.array(
            v.strictObject({
              purpose: text,
              purposeCategory: v.array(iri),
              consentType: typed('EXPLICIT'),
              piiCategory: v.pipe(v.array(text), v.minLength(1)),
              primaryPurpose: v.boolean(),
              termination: text,
              thirdPartyDisclosure: v.boolean(),
              thirdPartyName: v.exactOptional(text),
            }),
          ),
          v.minLength(1),
        ),
      }),
    ),
    v.minLength(1),
  ),
  sensitive: v.boolean(),
  spiCat: v.array(text),
});

const PROOF = { receiptId: 'r-1', createdAt: START + DAY, jws: 'a.b.c', tlogProof: 'c2sp.org/tlog-proof@v1' };
const kantaraOf = (logged: LoggedConsent): ReturnType<typeof eventToKantara> =>
  eventToKantara(logged, PARTIES);

/** Every prefix that a term uses stands in the context. */
function prefixesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(prefixesOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(key.includes(':') ? [key.split(':')[0]!] : []),
    ...(key === '@id' || key === '@type' ? [String(inner).split(':')[0]!] : []),
    ...prefixesOf(inner),
  ]);
}

describe('ISO/IEC TS 27560', () => {
  test('a record says what is processed, by whom, what was said last, and all that happened', () => {
    const record = v.parse(recordSchema, eventsToRecord(STORY.toReversed(), PARTIES));
    expect(record['dct:conformsTo']).toBe('https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr');
    expect(record['dpv:hasDataSubject']['@id']).toBe(`urn:twinkeep:subject:${SUBJECT}`);
    expect(
      record['dpv:hasProcess'].map((each) => [
        each['twin:category'],
        each['dpv:hasConsentStatus']['@id'],
        each['dpv:hasConsentType']?.['@id'],
        each['dpv:hasLegalBasis']['@id'],
      ]),
    ).toEqual([
      ['behavioral', 'dpv:ConsentGiven', 'dpv:ExpressedConsent', 'https://w3id.org/dpv/legal/eu/gdpr#A6-1-a'],
      [
        'transactional',
        'dpv:ConsentWithdrawn',
        'dpv:ExpressedConsent',
        'https://w3id.org/dpv/legal/eu/gdpr#A6-1-a',
      ],
      [
        'psychographic',
        'dpv:ConsentGiven',
        'dpv:ExplicitlyExpressedConsent',
        'https://w3id.org/dpv/legal/eu/gdpr#A9-2-a',
      ],
    ]);
    expect(
      record['dct:hasPart'].map((part) => [
        part['twin:event'],
        part['dpv:hasConsentStatus']['@id'],
        part['dpv:isIndicatedBy']['@type'],
        part['dct:valid'],
      ]),
    ).toEqual([
      ['grant', 'dpv:ConsentGiven', 'dpv:DataSubject', '2027-01-15T10:00:00Z'],
      ['grant', 'dpv:ConsentGiven', 'dpv:DataSubject', '2027-01-16T10:00:00Z'],
      ['withdraw', 'dpv:ConsentWithdrawn', 'dpv:DataController', undefined],
    ]);
  });

  test('where data is kept is said in the vocabulary’s words, and prefixes are all explained', () => {
    const record = eventsToRecord(STORY, PARTIES);
    const [first] = record['dpv:hasProcess'] as JsonLd[];
    expect(first!['dpv:hasStorageCondition']).toMatchObject([
      { 'dpv:hasLocation': { '@id': 'dpv:WithinDevice' } },
      { 'dpv:hasDuration': 'P1Y' },
      { 'dpv:hasDuration': 'P30D' },
    ]);
    const known = [...Object.keys(record['@context'] as JsonLd), 'https', 'urn'];
    expect([...new Set(prefixesOf(record))].filter((prefix) => !known.includes(prefix))).toEqual([]);
    expect(JSON.stringify(record)).not.toContain('Implied');
  });

  test('a receipt is one event, with its signature and its place in the log', () => {
    const receipt = v.parse(receiptSchema, eventToReceipt(STORY[0]!, PROOF, PARTIES));
    expect(receipt['dct:conformsTo']).toBe('https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr');
    expect(receipt['dpv:hasRecordOfActivity']['dpv:hasProcess']).toHaveLength(2);
    expect(receipt['twin:jws']).toBe('a.b.c');
  });

  test('a notice that nobody opted out of is not called a consent', () => {
    const [notified] = tell({
      type: 'notify',
      jurisdiction: ['US-CA'],
      provenance: OFFICER,
      terms: { storage: TERMS.storage },
    } as Parameters<typeof tell>[0]);
    const record = eventsToRecord([notified!], PARTIES);
    expect(record['dct:conformsTo']).toBe('https://w3id.org/dpv/schema/dpv-27560#record');
    expect(JSON.stringify(record)).not.toContain('ConsentGiven');
    expect(kantaraOf(notified!)).toBeNull();
  });
});

describe('Kantara Consent Receipt 1.1.0', () => {
  test('a yes, with what is sensitive and who else receives it', () => {
    expect(v.parse(kantaraSchema, kantaraOf(STORY[0]!))).toMatchObject({
      consentReceiptID: idOf(0),
      consentTimestamp: START / 1000,
      jurisdiction: 'EU, DE',
      sensitive: false,
      spiCat: [],
      services: [
        {
          purposes: [
            {
              purpose: PURPOSE.split('#')[1],
              piiCategory: ['behavioral'],
              primaryPurpose: true,
              termination: '2027-01-15T10:00:00Z',
              thirdPartyDisclosure: true,
              thirdPartyName: 'Example Lab',
            },
            { piiCategory: ['transactional'], primaryPurpose: false },
          ],
        },
      ],
    });
    expect(kantaraOf(STORY[1]!)).toMatchObject({ sensitive: true, spiCat: ['psychographic'] });
  });

  test('knows no withdrawal', () => {
    expect(kantaraOf(STORY[3]!)).toBeNull();
  });
});

test('any history has exports of these forms', () => {
  fc.assert(
    fc.property(history, ({ log }) => {
      if (log.length === 0) return;
      v.parse(recordSchema, eventsToRecord(log, PARTIES));
      for (const logged of log) {
        v.parse(receiptSchema, eventToReceipt(logged, PROOF, PARTIES));
        const kantara = kantaraOf(logged);
        if (kantara !== null) v.parse(kantaraSchema, kantara);
      }
    }),
    { numRuns: 200 },
  );
});
