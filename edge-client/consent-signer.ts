/** Adds events to one subject's chain, each numbered and linked to all that came before it. */
import { base64UrlToBytes, bytesToUtf8 } from '@twinkeep/audit';
import {
  createConsentEvent,
  createRecordId,
  linkToHeads,
  signConsentEvent,
  type ConsentEvent,
  type ConsentInput,
  type ConsentProvenance,
  type ConsentState,
  type JwsSigner,
} from '@twinkeep/consent';
import type { Random } from '@twinkeep/protocol';
import { jwsToEvent, readConsentChain } from './consent-chain.ts';
import type { ConsentEntry, SignedConsentEntry } from './store/port.ts';

export interface ChainSigner {
  /** What the chain says, signed or logged. */
  state(): ConsentState;
  /** The chain's events, oldest first. */
  events(): ConsentEvent[];
  /** @returns the new event */
  add(choice: Choice, provenance: ConsentProvenance): Promise<ConsentEvent>;
  /** What was added so far, to be appended to the stored chain. */
  added(): SignedConsentEntry[];
}

/** A choice, without what follows from the chain and the signer. */
export type Choice = ConsentInput extends infer Input
  ? Input extends ConsentInput
    ? Omit<Input, 'recordId' | 'subject' | 'controller' | 'seq' | 'links' | 'at' | 'provenance'>
    : never
  : never;

export interface SignerDeps {
  signer: JwsSigner;
  /** IRI of the controller that the subject deals with. */
  controller: string;
  random: Random;
  clock: () => number;
}

export function createChainSigner(
  { signer, controller, random, clock }: SignerDeps,
  subject: string,
  stored: readonly ConsentEntry[],
): ChainSigner {
  const chain = [...stored];
  const events = (): ConsentEvent[] => chain.map(({ jws }) => jwsToEvent(jws));
  const state = (): ConsentState => readConsentChain(chain).signed;
  return {
    state,
    events,
    async add(choice, provenance) {
      const own = chain.filter(({ jws }) => kidOf(jws) === signer.kid).map(({ jws }) => jwsToEvent(jws));
      const at = clock();
      const event = createConsentEvent({
        ...choice,
        recordId: createRecordId(at, random(10)),
        subject,
        controller,
        seq: Math.max(0, ...own.map(({ seq }) => seq)) + 1,
        links: linkToHeads(state()),
        at,
        provenance,
      });
      const { id, jws } = await signConsentEvent(event, signer);
      chain.push({ id, jws, receipt: null });
      return event;
    },
    added: () => chain.slice(stored.length).map(({ id, jws }) => ({ id, jws })),
  };
}

function kidOf(jws: string): unknown {
  return (JSON.parse(bytesToUtf8(base64UrlToBytes(jws.split('.')[0] ?? ''))) as { kid?: unknown }).kid;
}
