/**
 * Who is asking. A device shows a credential of the pinned issuer and proves, for this very request, that it holds the key in it; a helper
 * proves that it holds the key pinned for its number. Proofs carry our nonce and are used once, over all processes on one database.
 */
import {
  ProblemError,
  verifyCredential,
  verifyProof,
  type Credential,
  type Trust,
  type VerifiedProof,
} from '@twinkeep/protocol';
import type { Request, Response } from 'express';
import { createCache } from '../cache.ts';
import { createGathering } from '../gather.ts';
import { insertProofs, type UsedProof } from '../store/proofs.ts';
import type { Db } from '../store/schema.ts';
import type { Nonces } from './nonce.ts';

export interface Device {
  credential: Credential;
  /** As it came: a report carries the same. */
  jwt: string;
  /** Base64url of the raw key that made the proof. */
  kid: string;
}

export interface Auth {
  /** @throws ProblemError 'auth/...' */
  device(req: Request, res: Response, scope: Credential['scope']): Promise<Device>;
  /** @returns the helper number of the address, proved. @throws ProblemError 'auth/...' */
  helper(req: Request, res: Response): Promise<number>;
  /** Every answer to an authenticated request may carry a new nonce; this sets it. */
  offerNonce(res: Response): void;
}

export interface AuthDeps {
  db: Db;
  trust: Trust;
  nonces: Nonces;
  /** What proofs must name as the address of this server, without a slash at the end. */
  publicUrl: string;
  clock: () => number;
}

/** About a kilobyte each. */
const KEPT_CREDENTIALS = 10_000;
/** Proofs that one statement uses up: its parameters are fewer than PostgreSQL takes. */
const MOST_PROOFS = 256;

export function createAuth({ db, trust, nonces, publicUrl, clock }: AuthDeps): Auth {
  const verified = createCache<Credential>(KEPT_CREDENTIALS);
  /** Those of requests that come at the same time are written together; false where one was used before. */
  const useUp = createGathering<UsedProof, boolean>({
    run: async (proofs) => (await insertProofs(db, proofs)).map((value) => ({ ok: true, value })),
    weigh: () => 1,
    most: MOST_PROOFS,
  });
  const offerNonce = (res: Response): void => {
    res.set('DPoP-Nonce', nonces.current());
  };

  /** A proof is used up here, even if what it came with is refused afterwards. */
  const prove = async (req: Request, credential?: string): Promise<VerifiedProof> => {
    const header = req.headers['dpop'];
    if (typeof header !== 'string') throw new ProblemError('auth/missing', 'no DPoP proof');
    const url = publicUrl + req.originalUrl;
    const request = { method: req.method, url, ...(credential === undefined ? {} : { credential }) };
    const now = clock();
    const proof = await verifyProof(header, request, new Date(now));
    if (proof.nonce === null || !nonces.accepts(proof.nonce)) throw new ProblemError('auth/nonce');
    if (!(await useUp({ jkt: proof.jkt, jti: proof.jti, expiresAt: now + nonces.lifetime })))
      throw new ProblemError('auth/replay');
    return proof;
  };

  /** A signature that was verified stays valid; only time has to be looked at again. */
  const credentialOf = async (jwt: string): Promise<Credential> => {
    const now = clock();
    const known = verified.get(jwt);
    if (known !== undefined && now < known.exp * 1_000) return known;
    const credential = await verifyCredential(jwt, trust, new Date(now));
    verified.set(jwt, credential);
    return credential;
  };

  return {
    offerNonce,
    device: async (req, res, scope) => {
      offerNonce(res);
      const jwt = /^DPoP ([A-Za-z0-9_.-]+)$/.exec(req.headers.authorization ?? '')?.[1];
      if (jwt === undefined) throw new ProblemError('auth/missing');
      const credential = await credentialOf(jwt);
      const proof = await prove(req, jwt);
      if (proof.jkt !== credential.jkt)
        throw new ProblemError('auth/proof', 'by another key than the credential names');
      if (credential.scope !== scope) throw new ProblemError('auth/forbidden');
      return { credential, jwt, kid: proof.kid };
    },
    helper: async (req, res) => {
      offerNonce(res);
      const helper = trust.helpers.find(({ j }) => String(j) === req.params['j']);
      if (helper === undefined) throw new ProblemError('request/not-found');
      const proof = await prove(req);
      if (proof.kid !== helper.key) throw new ProblemError('auth/forbidden');
      return helper.j;
    },
  };
}
