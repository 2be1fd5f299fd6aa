import type { Category } from '../category.ts';
import type { ConsentGrant, LoggedConsent } from '../event.ts';
import { isYes } from '../require.ts';
import type { ExportParties } from './vocabulary.ts';

/**
 * Consent Receipt 1.1.0 of the Kantara Initiative (2018), which ISO/IEC TS 27560 replaced and older tools read. It knows
 * neither withdrawal nor states, so only a yes has one.
 */
export interface KantaraReceipt {
  version: 'KI-CR-v1.1.0';
  jurisdiction: string;
  /** Seconds since 1970. */
  consentTimestamp: number;
  collectionMethod: string;
  consentReceiptID: string;
  language: string;
  piiPrincipalId: string;
  piiControllers: KantaraController[];
  policyUrl: string;
  services: { service: string; purposes: KantaraPurpose[] }[];
  sensitive: boolean;
  /** Categories that are sensitive. */
  spiCat: string[];
}

export interface KantaraController {
  piiController: string;
  onBehalf: boolean;
  contact: string;
  address: { streetAddress: string; addressLocality: string; postalCode: string; addressCountry: string };
  email: string;
  phone: string;
}

export interface KantaraPurpose {
  purpose: string;
  purposeCategory: string[];
  consentType: 'EXPLICIT';
  piiCategory: string[];
  primaryPurpose: boolean;
  /** When, or how, it ends. */
  termination: string;
  thirdPartyDisclosure: boolean;
  thirdPartyName?: string;
}

/** Null for anything but a grant or a renewal. */
export function eventToKantara(logged: LoggedConsent, parties: ExportParties): KantaraReceipt | null {
  const { id, event, receivedAt } = logged;
  if (!isYes(event)) return null;
  const spiCat = event.grants.filter(isSensitive).map(({ category }) => category);
  return {
    version: 'KI-CR-v1.1.0',
    jurisdiction: event.jurisdiction.join(', '),
    consentTimestamp: Math.floor(receivedAt / 1000),
    collectionMethod: event.event.method,
    consentReceiptID: id,
    language: event.notice.lang,
    piiPrincipalId: event.subject,
    piiControllers: [controllerOf(parties)],
    policyUrl: parties.policy,
    services: [{ service: parties.service, purposes: purposesOf(event.grants, parties) }],
    sensitive: spiCat.length > 0,
    spiCat,
  };
}

function isSensitive({ category, legalBasis }: ConsentGrant): boolean {
  return category === 'psychographic' || legalBasis.endsWith('#A9-2-a');
}

function controllerOf({ controller }: ExportParties): KantaraController {
  const { name, address, email, phone = '' } = controller;
  return {
    piiController: name,
    onBehalf: false,
    contact: email,
    address: {
      streetAddress: address.street,
      addressLocality: address.city,
      postalCode: address.postalCode,
      addressCountry: address.country,
    },
    email,
    phone,
  };
}

/** One for each purpose and what it says of ends and recipients. */
function purposesOf(lines: readonly ConsentGrant[], parties: ExportParties): KantaraPurpose[] {
  const made = new Map<string, KantaraPurpose>();
  for (const line of lines) {
    const termination = line.validUntil ?? line.expiryEvent ?? parties.withdrawal;
    const others = (line.recipients ?? []).filter((recipient) => recipient !== parties.controller.id);
    const key = JSON.stringify([line.purpose, line.necessity, termination, others]);
    const known = made.get(key);
    const categories: Category[] = [...((known?.piiCategory ?? []) as Category[]), line.category];
    made.set(key, {
      purpose: line.purpose.replace(/^.*[#/:]/, ''),
      purposeCategory: [line.purpose],
      consentType: 'EXPLICIT',
      piiCategory: categories,
      primaryPurpose: line.necessity === 'required',
      termination,
      thirdPartyDisclosure: others.length > 0,
      ...(others.length === 0 ? {} : { thirdPartyName: others.map((id) => nameOf(id, parties)).join(', ') }),
    });
  }
  return [...made.values()];
}

function nameOf(id: string, { recipients }: ExportParties): string {
  return recipients.find((party) => party.id === id)?.name ?? id;
}
