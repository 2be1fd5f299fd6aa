/** What both places measure alike, with nothing of either in it. */

/** A platform whose training and network are watched. @param tell told once for each report that was sent */
export function watchPlatform(platform, tell) {
  let round = fresh();
  let trainedAt = 0;
  const timed = (work) => {
    return async (...input) => {
      const started = performance.now();
      const result = await work(...input);
      trainedAt = performance.now();
      round.train += trainedAt - started;
      return result;
    };
  };
  return {
    ...platform,
    async loadEngine(spec) {
      const engine = await platform.loadEngine(spec);
      return { ...engine, clippedSum: timed(engine.clippedSum), scores: timed(engine.scores) };
    },
    async fetch(input, init) {
      const isReport = init?.method === 'PUT' && String(input).includes('/reports/');
      const sent = init?.body?.length ?? 0;
      if (isReport && round.report === 0) {
        round.protect = performance.now() - trainedAt;
        round.report = sent;
      }
      round.up += sent;
      const answer = await platform.fetch(input, init);
      round.down += Number(answer.headers.get('content-length') ?? 0);
      if (isReport && answer.ok) {
        tell(round);
        round = fresh();
      }
      return answer;
    },
  };
}

/** Milliseconds and bytes of bodies since the last report. */
function fresh() {
  return { train: 0, protect: 0, report: 0, up: 0, down: 0 };
}

/** Consents to everything and hands over the records; resolves once the log has the consents. */
export async function begin(twin, records) {
  const logged = new Promise((resolve) => {
    twin.on('consent', ({ receipt }) => receipt !== null && resolve());
  });
  const { changed, why } = await twin.consent.grant();
  if (!changed) throw new Error(`no consent: ${why}`);
  // Not every record is of a kind that the task asks for.
  for (const event of records) await twin.record(event);
  await logged;
}

const WARM_UP = 20;

/**
 * @param clear the least that could keep an event; null where it is not asked for
 * @returns milliseconds of each call
 */
export async function timeCalls(twin, task, count, clear) {
  const times = { record: [], clear: [], predict: [] };
  const day = Date.now() - 86_400_000;
  for (let i = 0; i < count + WARM_UP; i++) {
    const time = new Date(day + 1_000 * i).toISOString();
    const event = { id: `bench-${i}`, source: 'network', type: 'usage.data', time, category: 'behavioral' };
    const data = { utilisation: i % 100, gb: i % 40 };
    const keep = i >= WARM_UP;
    const took = await timed(() => must(twin.record({ ...event, data }), 'recorded'));
    if (keep) times.record.push(took);
    const plain = clear === null ? 0 : await timed(() => clear({ ...event, data }));
    if (keep) times.clear.push(plain);
    const guessed = await timed(() => must(twin.predict(task), 'predicted'));
    if (keep) times.predict.push(guessed);
  }
  return times;
}

async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function must(answer, worked) {
  const said = await answer;
  if (said[worked] !== true) throw new Error(`not ${worked}: ${said.reason} ${said.detail ?? ''}`);
}
