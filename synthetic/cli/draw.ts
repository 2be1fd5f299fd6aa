/** Rows of a model, drawn block by block by several threads: the same bytes for any number of them, however many rows. */
import { tablesToBytes, tableToText, type Format } from '@twinkeep/synthetic/formats';
import {
  sampleBlock,
  sampleBlocks,
  type SampleOptions,
  type Table,
  type TableModel,
} from '@twinkeep/synthetic/synthesize';
import { createCrew } from './crew.ts';

export interface DrawSetup {
  model: TableModel;
  options: SampleOptions;
  format: Format;
}

/** Text where it can be made by the thread, else the table: the row groups of a Parquet file know what came before. */
export type Drawn = Uint8Array<ArrayBuffer> | Table;

/** A whole file. `progress` is told the share that is done. @throws SyntheticError 'synthetic/unsatisfiable' */
export async function* drawFile(
  setup: DrawSetup,
  threads: number,
  progress: (done: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const { model, options, format } = setup;
  const blocks = sampleBlocks(options);
  const crew = createCrew<number, Drawn>(
    Math.min(threads, Math.max(1, blocks)),
    new URL('./draw-worker.js', import.meta.url),
    setup,
    (block) => Promise.resolve(drawBlock(setup, block)),
  );
  let done = 0;
  async function* drawn(): AsyncGenerator<Drawn, void, void> {
    for await (const block of crew.run(Array.from({ length: blocks }, (_, i) => i))) {
      yield block;
      progress(++done / blocks);
    }
  }
  try {
    if (format === 'parquet') yield* tablesToBytes(drawn() as AsyncGenerator<Table>, model.schema, format);
    else {
      yield* tablesToBytes([], model.schema, format);
      yield* drawn() as AsyncGenerator<Uint8Array>;
    }
  } finally {
    await crew.end();
  }
}

export function drawBlock({ model, options, format }: DrawSetup, block: number): Drawn {
  const table = sampleBlock(model, options, block);
  return format === 'parquet' ? table : new TextEncoder().encode(tableToText(table, format));
}
