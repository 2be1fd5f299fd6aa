/** The issuer of the demo: what a bank's back end does when one of its customers' devices asks for a credential. */
import { base64UrlToBytes } from '@twinkeep/audit';
import { importSigningKey, issueCredential, type SigningKey, type Trust } from '@twinkeep/protocol';
import { createHmac } from 'node:crypto';

export interface Issuer {
  key: SigningKey;
  trust: Trust;
  /** Signs the cookies of sessions; as long-lived as the issuer, so that a visitor is known again after a restart. */
  sessionKey: Uint8Array;
}

/** From the issuer's key file, as its text. */
export async function createIssuer(keyFile: string, trust: Trust): Promise<Issuer> {
  const key = await importSigningKey(JSON.parse(keyFile) as Parameters<typeof importSigningKey>[0]);
  const sessionKey = createHmac('sha256', keyFile).update('sessions of the demo').digest();
  return { key, trust, sessionKey };
}

const CREDENTIAL_SECONDS = 86_400;

/** For one person's own device: its reports are of one twin. */
export function credentialFor(
  { key, trust }: Issuer,
  subject: string,
  deviceKey: string,
  now: Date,
): Promise<string> {
  const claims = {
    sub: subject,
    devicePublicKey: base64UrlToBytes(deviceKey),
    maxTwins: 1,
    scope: 'device',
  } as const;
  return issueCredential(claims, { id: trust.issuer.id, key }, trust.coordinator.id, now, CREDENTIAL_SECONDS);
}
