import type { ConsentEvent, ConsentInput } from '@twinkeep/consent';
import {
  CATEGORIES,
  GDPR_OPTIN,
  OPERATIONS,
  createConsentEvent,
  createRecordId,
  instantToMillis,
  millisToInstant,
  parseConsentEvent,
} from '@twinkeep/consent';
import { canonicalJson } from '@twinkeep/audit';
import { describe, expect, test } from 'vitest';

import { BASE, DAY, GRANT, START, TERMS, collectorProvenance } from './fixtures.ts';

/** When each grant ends. */
function ends({ grants }: ConsentEvent): number[] {
  return grants.map((grant) => instantToMillis(grant.validUntil!));
}

const KID = 'WeVHjIQTOLKu-P74oC-WL-MNn_sLM5CvrzuMjDFC3-s';

/** A copy of a valid grant with the member at `path` replaced, or removed where `value` is undefined. */
function change(path: string, value: unknown, input: ConsentInput = GRANT): unknown {
  const copy = JSON.parse(JSON.stringify(createConsentEvent(input)));
  const keys = path.split('.');
  const last = keys.pop()!;
  const parent = keys.reduce((node, key) => node[key], copy);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

describe('the format', () => {
  test('a full grant is written as documented, in these bytes', () => {
    const event = createConsentEvent({
      ...BASE,
      links: { prev: `sha-256:${KID}`, merges: [`sha-256:${KID.replace('W', 'X')}`] },
      categories: { required: ['transactional'], optional: ['third_party_enrichment'] },
      operations: ['contribute'],
      uiFlow: 'settings/2',
      type: 'grant',
      terms: {
        ...TERMS,
        validUntil: START + 30 * DAY,
        privacyFloor: {
          dp: { epsMaxMicro: 8_000_000, deltaMaxPico: 1_000_000, unit: 'user' },
          secAgg: { minCohort: 50 },
        },
        recipients: ['https://bank.example'],
        regions: ['EU'],
      },
    });
    expect(canonicalJson(event)).toBe(
      '{"controller":"https://bank.example","event":{"at":"2026-01-15T10:00:00Z","by":"subject","method":"toggle+confirm",' +
        '"type":"grant","uiFlow":"settings/2"},"grants":[{"category":"transactional","consentType":"expressed",' +
        '"legalBasis":"https://w3id.org/dpv/legal/eu/gdpr#A6-1-a","necessity":"required","operations":["contribute"],' +
        '"pdIri":["https://w3id.org/dpv/pd#Transactional"],"privacyFloor":{"dp":{"deltaMaxPico":1000000,"epsMaxMicro":' +
        '8000000,"unit":"user"},"secAgg":{"minCohort":50}},"purpose":"https://w3id.org/dpv#ServicePersonalisation",' +
        '"recipients":["https://bank.example"],"regions":["EU"],"state":"given","storage":{"deletion":"P30D","location":' +
        '"device","retention":"P1Y"},"validUntil":"2026-02-14T10:00:00Z"},{"category":"third_party_enrichment",' +
        '"consentType":"expressed","legalBasis":"https://w3id.org/dpv/legal/eu/gdpr#A6-1-a","necessity":"optional",' +
        '"operations":["contribute"],"pdIri":["https://w3id.org/dpv#PersonalData"],"privacyFloor":{"dp":{"deltaMaxPico":' +
        '1000000,"epsMaxMicro":8000000,"unit":"user"},"secAgg":{"minCohort":50}},"purpose":' +
        '"https://w3id.org/dpv#ServicePersonalisation","recipients":["https://bank.example"],"regions":["EU"],"source":' +
        '"https://w3id.org/dpv#ThirdPartyDataSource","state":"given","storage":{"deletion":"P30D","location":"device",' +
        '"retention":"P1Y"},"validUntil":"2026-02-14T10:00:00Z"}],"jurisdiction":["EU","DE"],"merges":' +
        '["sha-256:XeVHjIQTOLKu-P74oC-WL-MNn_sLM5CvrzuMjDFC3-s"],"notice":{"hash":' +
        '"sha-256:j9shRlAdz45tndhcJFCwLTfH4QhhOfj-_4m4bglvUy8","id":"notice-7","lang":"en","version":"3.1.0"},"prev":' +
        '"sha-256:WeVHjIQTOLKu-P74oC-WL-MNn_sLM5CvrzuMjDFC3-s","recordId":"01KF0S8Q400000000000000001","regime":' +
        '"gdpr-optin@1","schema":"urn:twinkeep:consent-event:1","seq":1,"subject":"AAECAwQFBgcICQoLDA0ODw"}',
    );
  });

  test('every category and operation has an event, and parsing changes nothing', () => {
    const input = { ...BASE, categories: { required: CATEGORIES, optional: [] }, operations: OPERATIONS };
    for (const type of ['refuse', 'withdraw'] as const) {
      const event = createConsentEvent({ ...input, type });
      expect(event.grants.map((grant) => [grant.category, grant.state])).toEqual(
        CATEGORIES.map((category) => [category, type === 'refuse' ? 'refused' : 'withdrawn']),
      );
      expect(parseConsentEvent(structuredClone(event))).toEqual(event);
    }
  });

  test.each<[string, unknown]>([
    ['schema', 'urn:twinkeep:consent-event:2'],
    ['recordId', '01KF0S8Q40000000000000000U'],
    ['recordId', '81KF0S8Q400000000000000001'],
    ['subject', 'jane@mail.example'],
    ['subject', 'AAECAwQFBgcICQoLDA0ODx'],
    ['subject', 'AAECAwQFBgcICQoLDA0OD'],
    ['controller', 'bank'],
    ['controller', 'https://bank.example/a b'],
    ['controller', `https://${'b'.repeat(300)}`],
    ['seq', 0],
    ['seq', 1.5],
    ['seq', '1'],
    ['seq', Number.MAX_SAFE_INTEGER + 1],
    ['prev', undefined],
    ['prev', ''],
    ['prev', `sha-256:${KID.slice(0, -1)}t`],
    ['merges', []],
    ['merges', [`sha-256:${KID}`, `sha-256:${KID}`]],
    ['jurisdiction', []],
    ['jurisdiction', ['Germany']],
    ['jurisdiction', ['EU', 'EU']],
    ['regime', 'gdpr-optin'],
    ['regime', 'gdpr-optin@0'],
    ['notice', undefined],
    ['notice.hash', 'md5:1B2M2Y8AsgTpgAmY7PhCfg'],
    ['notice.lang', 'english language'],
    ['notice.version', ''],
    ['notice.version', 'v'.repeat(33)],
    ['notice.id', 'line\nbreak'],
    ['notice.id', 'half \ud800'],
    ['notice.extra', 1],
    ['grants.0.category', 'Behavioral'],
    ['grants.0.purpose', 'anything'],
    ['grants.0.operations', []],
    ['grants.0.operations', ['train']],
    ['grants.0.operations', ['contribute', 'contribute']],
    ['grants.0.legalBasis', undefined],
    ['grants.0.state', 'expired'],
    ['grants.0.necessity', undefined],
    ['grants.0.consentType', 'implied'],
    ['grants.0.consentType', null],
    ['grants.0.storage.retention', '1 year'],
    ['grants.0.storage.retention', 'P'],
    ['grants.0.storage.retention', 'P1YT'],
    ['grants.0.validUntil', '2026-06-31T00:00:00Z'],
    ['grants.0.validUntil', '2026-06-30T00:00:00.000Z'],
    ['grants.0.validUntil', '2026-06-30T00:00:00+00:00'],
    ['grants.0.validUntil', 1_790_000_000],
    ['grants.0.privacyFloor', {}],
    ['grants.0.privacyFloor', { secAgg: { minCohort: 0 } }],
    ['grants.0.privacyFloor', { secAgg: { minCohort: 10.5 } }],
    ['grants.0.privacyFloor', { dp: { epsMaxMicro: 1, deltaMaxPico: 1, unit: 'event' } }],
    ['grants.0.recipients', Array.from({ length: 17 }, (_, i) => `https://r${i}.example`)],
    ['event.type', 'expire'],
    ['event.by', 'officer'],
    ['event.at', '2026-01-15'],
    ['event.method', 'Toggle'],
    ['event.ip', '127.0.0.1'],
    ['evidence', []],
    ['evidence', [{ kind: 'note', value: 'x'.repeat(1025) }]],
    ['evidence', Array.from({ length: 9 }, () => ({ kind: 'note', value: 'x' }))],
    ['collectedBy', { kid: 'x', party: 'https://clinic.example' }],
    ['note', 'unknown member'],
  ])('%s refuses %j', (path, value) => {
    const changed = change(path, value);
    expect(() => parseConsentEvent(changed)).toThrow(
      expect.objectContaining({ code: 'consent/event-invalid' }),
    );
  });

  test('a __proto__ member, one cell named twice, and 29 grants', () => {
    const event = createConsentEvent(GRANT);
    const hidden = JSON.parse(JSON.stringify(event).replace('{', '{"__proto__":{"seq":2},'));
    const twice = {
      ...event,
      grants: [...event.grants, { ...event.grants[0]!, operations: ['contribute'] }],
    };
    const many = {
      ...event,
      grants: Array.from({ length: 29 }, (_, i) => ({ ...event.grants[0]!, purpose: `urn:p:${i}` })),
    };
    for (const value of [hidden, twice, many, null, [], 'event']) {
      expect(() => parseConsentEvent(value)).toThrow(
        expect.objectContaining({ code: 'consent/event-invalid' }),
      );
    }
    expect(parseConsentEvent({ ...many, grants: many.grants.slice(1) }).grants).toHaveLength(28);
  });

  test('errors name the field and never repeat the value', () => {
    const secret = 'jane@mail.example';
    for (const path of ['subject', 'grants.0.category', 'event.at', secret]) {
      let message = '';
      try {
        parseConsentEvent(change(path === secret ? 'note' : path, secret));
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toMatch(/^[A-Za-z0-9.]+: [a-z_]+$/);
      expect(message).not.toContain(secret);
    }
  });
});

describe('the rules of gdpr-optin@1', () => {
  const collector: ConsentInput = { ...GRANT, provenance: collectorProvenance(KID) };
  const withdraw: ConsentInput = { ...BASE, type: 'withdraw' };

  test.each<[string, string, unknown, ConsentInput]>([
    ['a grant must say how consent was given', 'grants.0.consentType', undefined, GRANT],
    ['a grant must say how long it is valid', 'grants.0.validUntil', undefined, GRANT],
    ['a grant must say where and how long data is kept', 'grants.1.storage', undefined, GRANT],
    ['a grant must not end before it begins', 'grants.0.validUntil', '2026-01-15T10:00:00Z', GRANT],
    ['a grant must not outlast two years', 'grants.0.validUntil', '2028-01-15T10:00:01Z', GRANT],
    ['a grant makes its cells given', 'grants.0.state', 'withdrawn', GRANT],
    ['a withdrawal makes its cells withdrawn', 'grants.1.state', 'given', withdraw],
    ['a withdrawal under another name', 'event.type', 'refuse', withdraw],
    ['consent is the legal basis', 'grants.0.legalBasis', 'https://w3id.org/dpv/legal/eu/gdpr#A6-1-b', GRANT],
    ['the help desk grants nothing', 'event.by', 'controller', GRANT],
    ['a subject has no collector', 'event.by', 'subject', collector],
    ['a collector names itself', 'collectedBy', undefined, collector],
    ['a collector names its evidence', 'evidence', undefined, collector],
    ['only an officer is an actor', 'event.actor', 'officer-3', GRANT],
  ])('%s', (_name, path, value, input) => {
    const changed = change(path, value, input);
    expect(() => parseConsentEvent(changed)).toThrow(
      expect.objectContaining({ code: 'consent/regime-violated' }),
    );
  });

  test('third-party data must name its source', () => {
    const input: ConsentInput = {
      ...GRANT,
      categories: { required: ['third_party_enrichment'], optional: [] },
    };
    const changed = change('grants.0.source', undefined, input);
    expect(() => parseConsentEvent(changed)).toThrow(
      expect.objectContaining({ code: 'consent/regime-violated' }),
    );
  });

  test('a withdrawal by the help desk needs evidence and no device', () => {
    const provenance = { by: 'controller', evidence: [{ kind: 'ticket', value: 'T-1' }] } as const;
    const event = createConsentEvent({
      ...withdraw,
      provenance: { ...provenance, evidence: [...provenance.evidence] },
    });
    expect(event.event).not.toHaveProperty('actor');
    const { evidence: _, ...bare } = event;
    expect(() => parseConsentEvent(bare)).toThrow(
      expect.objectContaining({ code: 'consent/regime-violated' }),
    );
  });

  test('the longest validity is accepted and the usual one is filled in', () => {
    const longest = START + GDPR_OPTIN.validityDays.longest * DAY;
    expect(
      ends(createConsentEvent({ ...BASE, type: 'grant', terms: { ...TERMS, validUntil: longest } })),
    ).toEqual([longest, longest]);
    expect(ends(createConsentEvent(GRANT))).toEqual([START + 365 * DAY, START + 365 * DAY]);
  });

  test('an unknown regime is not guessed at', () => {
    const changed = change('regime', 'gdpr-optin@9');
    expect(() => parseConsentEvent(changed)).toThrow(
      expect.objectContaining({ code: 'consent/regime-unknown' }),
    );
  });
});

describe('instants and record ids', () => {
  test('an instant has one spelling, and writing rounds down to the second', () => {
    expect(millisToInstant(START + 999)).toBe('2026-01-15T10:00:00Z');
    expect(instantToMillis('2026-01-15T10:00:00Z')).toBe(START);
    for (const spelling of [
      '2026-02-30T00:00:00Z',
      '2026-01-15T24:00:00Z',
      '2026-01-15T10:00:60Z',
      '2026-01-15t10:00:00z',
      '',
    ]) {
      expect({ [spelling]: instantToMillis(spelling) }).toEqual({ [spelling]: Number.NaN });
    }
  });

  test('the ULID of the specification: time first, then randomness, in Crockford letters', () => {
    expect(createRecordId(1_469_918_176_385, new Uint8Array(10))).toBe('01ARYZ6S410000000000000000');
    expect(createRecordId(0, new Uint8Array(10).fill(255))).toBe('0000000000ZZZZZZZZZZZZZZZZ');
    expect(() => createRecordId(0, new Uint8Array(9))).toThrow(RangeError);
  });
});
