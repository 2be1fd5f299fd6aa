/** Model versions: immutable bytes named by their SHA-256. A device checks the hash, so whoever serves the bytes need not be trusted. */
import { bytesToBase64Url } from '@twinkeep/audit';
import { bytesToWeights, initialWeights, weightsToBytes, type TaskModel } from '@twinkeep/protocol';
import { CoordinatorError } from '../errors.ts';
import { createCache } from '../cache.ts';
import { nativeSha256 } from '../log/journal.ts';
import { insertModel, readModel } from '../store/models.ts';
import type { Db, Tx } from '../store/schema.ts';

export interface Registry {
  /** Stores version 0, which follows from the task. @returns its hash */
  addInitial(tx: Tx, taskId: string, spec: TaskModel, now: number): Promise<string>;
  /** @param madeBy hash of the set commit whose sum made it; @throws ProtocolError where a weight is not finite */
  add(tx: Tx, taskId: string, weights: Float32Array, madeBy: string, now: number): Promise<string>;
  readWeights(db: Db, hash: string, spec: TaskModel): Promise<Float32Array>;
  /** Null for an unknown hash. */
  readBytes(db: Db, hash: string): Promise<Uint8Array | null>;
}

/** Every node fetches the newest model at about the same time, and few others. */
const KEPT_MODELS = 4;

export function createRegistry(): Registry {
  const kept = createCache<Uint8Array>(KEPT_MODELS);
  const store = async (
    tx: Tx,
    row: { taskId: string; weights: Float32Array; madeBy: string | null; now: number },
  ) => {
    const bytes = weightsToBytes(row.weights);
    const hash = bytesToBase64Url(nativeSha256(bytes));
    await insertModel(tx, { hash, bytes, task_id: row.taskId, made_by: row.madeBy, created_at: row.now });
    return hash;
  };
  const readBytes = async (db: Db, hash: string): Promise<Uint8Array | null> => {
    const known = kept.get(hash);
    if (known !== undefined) return known;
    const bytes = await readModel(db, hash);
    // By its hash a model is the same whether its transaction commits or not; that it is public only then is up to who reads it.
    if (bytes !== null && !db.isTransaction) kept.set(hash, bytes);
    return bytes;
  };
  return {
    addInitial: (tx, taskId, spec, now) =>
      store(tx, { taskId, weights: initialWeights(spec), madeBy: null, now }),
    add: (tx, taskId, weights, madeBy, now) => store(tx, { taskId, weights, madeBy, now }),
    readWeights: async (db, hash, spec) => {
      const bytes = await readBytes(db, hash);
      if (bytes === null)
        throw new CoordinatorError('store/missing-row', 'a model that a task names is not stored');
      return bytesToWeights(bytes, spec);
    },
    readBytes,
  };
}
