import { createLeaf, utf8ToBytes } from '@twinkeep/audit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryToEvent, type SecurityEvent } from '../../../coordinator/siem/event.ts';
import { formatEvent } from '../../../coordinator/siem/format.ts';
import { eventToSyslog, frame } from '../../../coordinator/siem/syslog.ts';

const LOG = 'bank.example/twinkeep';

const WITHDRAWN: SecurityEvent = {
  index: 41,
  at: Date.UTC(2026, 10, 22, 9, 30),
  name: 'consent.withdraw',
  message: 'Consent: withdraw, signed by the subject',
  severity: 'low',
  activity: 'update',
  entity: { kind: 'consent' },
  fields: {
    by: 'subject',
    method: 'toggle',
    regime: 'gdpr-optin@1',
    categories: 'behavioral',
    purposes: 'a=b|c\\d',
  },
};

describe('CEF', () => {
  it('is what ArcSight reads, its separators escaped where they stand for themselves', () => {
    expect(formatEvent(WITHDRAWN, 'cef', LOG)).toBe(
      'CEF:0|Twinkeep|coordinator|1|consent.withdraw|Consent: withdraw, signed by the subject|3|' +
        'rt=1795339800000 externalId=41 act=update cs1Label=log cs1=bank.example/twinkeep cs2Label=entity cs2=consent ' +
        'cs3Label=by cs3=subject cs4Label=method cs4=toggle cs5Label=regime cs5=gdpr-optin@1 cs6Label=categories cs6=behavioral ' +
        'msg=purposes a\\=b|c\\\\d',
    );
  });

  it('is one line with seven unescaped bars, whatever an entry says', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string({ unit: 'binary' }), (message, kind, value) => {
        const line = formatEvent({ ...WITHDRAWN, message, entity: { kind }, fields: { value } }, 'cef', LOG);
        expect(line).not.toMatch(/[\r\n]/);
        const [header] = line.split('rt=1795339800000') as [string];
        expect(header.replaceAll(/\\[\\|]/g, '').split('|')).toHaveLength(8);
      }),
    );
  });
});

describe('OCSF', () => {
  it('is class 3004 of version 1.3.0, with the index as the event’s identity', () => {
    expect(JSON.parse(formatEvent(WITHDRAWN, 'ocsf', LOG))).toEqual({
      activity_id: 3,
      category_uid: 3,
      class_uid: 3004,
      type_uid: 300403,
      severity_id: 2,
      time: WITHDRAWN.at,
      message: WITHDRAWN.message,
      metadata: {
        version: '1.3.0',
        product: { name: 'coordinator', vendor_name: 'Twinkeep', version: '1' },
        event_code: 'consent.withdraw',
        log_name: 'bank.example/twinkeep',
        uid: '41',
      },
      entity: { type: 'consent' },
      unmapped: WITHDRAWN.fields,
    });
  });

  it.each([
    ['create', 300401],
    ['read', 300402],
    ['update', 300403],
    ['delete', 300404],
  ] as const)('%s is type %d', (activity, type) => {
    expect(JSON.parse(formatEvent({ ...WITHDRAWN, activity }, 'ocsf', LOG))).toMatchObject({
      type_uid: type,
    });
  });
});

describe('syslog', () => {
  it('is RFC 5424: priority of the facility and the severity, header fields in printable ASCII', () => {
    expect(eventToSyslog(WITHDRAWN, 'LINE', 'höst 1')).toBe(
      '<85>1 2026-11-22T09:30:00.000Z hst1 twinkeep-coordinator - consent.withdraw - \uFEFFLINE',
    );
  });

  it('is framed by its length in octets, not in characters', () => {
    expect(frame('é')).toBe('2 é');
    expect(frame(eventToSyslog(WITHDRAWN, 'é', 'h')).split(' ')[0]).toBe(
      String(utf8ToBytes(eventToSyslog(WITHDRAWN, 'é', 'h')).length),
    );
  });
});

describe('what an entry becomes', () => {
  const leafOf = (type: string): Uint8Array =>
    createLeaf({ type, at: new Date('2026-11-22T09:30:41Z'), body: 'x', salt: new Uint8Array(32) }).leaf;

  it('bears the minute of the leaf and no words where the body is not there', () => {
    expect(entryToEvent({ index: 7, leaf: leafOf('consent') })).toEqual({
      index: 7,
      at: Date.UTC(2026, 10, 22, 9, 30),
      name: 'log.consent',
      message: 'Log entry, not disclosed',
      severity: 'informational',
      activity: 'create',
      entity: { kind: 'consent' },
      fields: {},
    });
  });

  it('an officer’s access is a read of personal data', () => {
    const event = entryToEvent({ index: 8, leaf: leafOf('access'), access: { kind: 'subject', rows: 3 } });
    expect(event).toMatchObject({ name: 'access.subject', activity: 'read', severity: 'medium' });
  });
});
