/** Adds events to one customer's chain, each numbered and linked to all that came before it. */
import {
  createConsentEvent,
  createRecordId,
  linkToHeads,
  signConsentEvent,
  type ConsentEvent,
  type ConsentInput,
  type ConsentState,
  type JwsSigner,
} from '@twinkeep/consent';
import {
  jwsToEvent,
  readConsentChain,
  type ConsentEntry,
  type SignedConsentEntry,
} from '@twinkeep/edge-client/fleet';
import type { Random } from '@twinkeep/protocol';

export interface ChainSigner {
  /** What the chain says, signed or logged. */
  state(): ConsentState;
  /** The chain's events, oldest first. */
  events(): ConsentEvent[];
  add(choice: Choice, evidence: Evidence): Promise<void>;
  /** What was added so far, to be appended to the stored chain. */
  added(): SignedConsentEntry[];
}

export type Evidence = { kind: string; value: string }[];

/** A choice, without what follows from the chain and the signer. */
export type Choice = ConsentInput extends infer Input
  ? Input extends ConsentInput
    ? Omit<Input, 'recordId' | 'subject' | 'controller' | 'seq' | 'links' | 'at' | 'provenance'>
    : never
  : never;

export interface SignerDeps {
  signer: JwsSigner;
  /** IRIs of the party that runs this node, and of the controller that the customer deals with. */
  party: string;
  controller: string;
  random: Random;
  clock: () => number;
}

export function createChainSigner(
  { signer, party, controller, random, clock }: SignerDeps,
  subject: string,
  stored: readonly ConsentEntry[],
): ChainSigner {
  const chain = [...stored];
  const events = (): ConsentEvent[] => chain.map(({ jws }) => jwsToEvent(jws));
  const state = (): ConsentState => readConsentChain(chain).signed;
  return {
    state,
    events,
    async add(choice, evidence) {
      const own = events().filter(({ collectedBy }) => collectedBy?.kid === signer.kid);
      const at = clock();
      const event = createConsentEvent({
        ...choice,
        recordId: createRecordId(at, random(10)),
        subject,
        controller,
        seq: Math.max(0, ...own.map(({ seq }) => seq)) + 1,
        links: linkToHeads(state()),
        at,
        provenance: { by: 'collector', collectedBy: { kid: signer.kid, party }, evidence },
      });
      const { id, jws } = await signConsentEvent(event, signer);
      chain.push({ id, jws, receipt: null });
    },
    added: () => chain.slice(stored.length).map(({ id, jws }) => ({ id, jws })),
  };
}
