/**
 * One event in the three spellings that monitoring systems read. `origin` is the log's name; with the index it identifies an event for ever, so
 * that a receiver can drop what it gets twice.
 *
 *   ndjson  one canonical JSON object a line
 *   cef     ArcSight Common Event Format, revision 0
 *   ocsf    Open Cybersecurity Schema Framework 1.3.0, class 3004 Entity Management
 */
import { canonicalJson } from '@twinkeep/audit';
import type { Activity, SecurityEvent, Severity } from './event.ts';

export const FORMATS = ['ndjson', 'cef', 'ocsf'] as const;
export type Format = (typeof FORMATS)[number];

/** One line, without a newline in it. */
export function formatEvent(event: SecurityEvent, format: Format, origin: string): string {
  return FORMATTERS[format](event, origin);
}

const VENDOR = 'Twinkeep';
const PRODUCT = 'coordinator';
/** Of names and fields of the events, for whoever writes rules on them. */
const VERSION = '1';

const FORMATTERS: Record<Format, (event: SecurityEvent, origin: string) => string> = {
  ndjson: eventToJson,
  cef: eventToCef,
  ocsf: eventToOcsf,
};

function eventToJson(event: SecurityEvent, origin: string): string {
  const { at, entity, ...rest } = event;
  return canonicalJson({ v: 1, origin, at: new Date(at).toISOString(), entity: { ...entity }, ...rest });
}

/** 0 to 10, 10 the gravest. */
const CEF_SEVERITY: Record<Severity, number> = { informational: 1, low: 3, medium: 5, high: 8 };

/** Four labelled strings are what every receiver of CEF has room for; further fields go into the message. */
const CEF_STRINGS = 4;

function eventToCef(event: SecurityEvent, origin: string): string {
  const header = [VENDOR, PRODUCT, VERSION, event.name, event.message].map(escapeCefHeader);
  const fields = Object.entries(event.fields);
  const extension = [
    ['rt', String(event.at)],
    ['externalId', String(event.index)],
    ['act', event.activity],
    ['cs1Label', 'log'],
    ['cs1', origin],
    ['cs2Label', 'entity'],
    ['cs2', event.entity.id === undefined ? event.entity.kind : `${event.entity.kind} ${event.entity.id}`],
    ...fields.slice(0, CEF_STRINGS).flatMap(([name, value], i) => [
      [`cs${i + 3}Label`, name],
      [`cs${i + 3}`, String(value)],
    ]),
    ...(fields.length > CEF_STRINGS
      ? [
          [
            'msg',
            fields
              .slice(CEF_STRINGS)
              .map(([name, value]) => `${name} ${value}`)
              .join(', '),
          ],
        ]
      : []),
  ].map(([key, value]) => `${key}=${escapeCefValue(value ?? '')}`);
  return `CEF:0|${header.join('|')}|${CEF_SEVERITY[event.severity]}|${extension.join(' ')}`;
}

function escapeCefHeader(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\|]/g, '\\$&');
}

function escapeCefValue(text: string): string {
  return text.replaceAll(/[\\=]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}

const OCSF_VERSION = '1.3.0';
const ENTITY_MANAGEMENT = 3004;
const IDENTITY_AND_ACCESS = 3;
const OCSF_ACTIVITY: Record<Activity, number> = { create: 1, read: 2, update: 3, delete: 4 };
const OCSF_SEVERITY: Record<Severity, number> = { informational: 1, low: 2, medium: 3, high: 4 };

function eventToOcsf(event: SecurityEvent, origin: string): string {
  const activity = OCSF_ACTIVITY[event.activity];
  const { kind, id } = event.entity;
  return canonicalJson({
    activity_id: activity,
    category_uid: IDENTITY_AND_ACCESS,
    class_uid: ENTITY_MANAGEMENT,
    type_uid: ENTITY_MANAGEMENT * 100 + activity,
    severity_id: OCSF_SEVERITY[event.severity],
    time: event.at,
    message: event.message,
    metadata: {
      version: OCSF_VERSION,
      product: { name: PRODUCT, vendor_name: VENDOR, version: VERSION },
      event_code: event.name,
      log_name: origin,
      uid: String(event.index),
    },
    entity: id === undefined ? { type: kind } : { type: kind, uid: id },
    unmapped: { ...event.fields },
  });
}
