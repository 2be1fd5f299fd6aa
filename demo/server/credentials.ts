/** The issuer of the demo: what a bank's back end does when one of its customers' devices asks for a credential. */
import { base64UrlToBytes } from '@twinkeep/audit';
import { issueCredential, type SigningKey, type Trust } from '@twinkeep/protocol';

export interface Issuer {
  key: SigningKey;
  trust: Trust;
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
