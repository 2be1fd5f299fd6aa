/** The figures as text. */

export function table({ chromium, node, alternatives, parameters, rounds, events }) {
  const ms = (name) => [chromium, node].flatMap(({ milliseconds }) => spread(milliseconds[name], 2));
  const bytes = (name) => [chromium, node].flatMap(({ bytes }) => spread(bytes[name], 0));
  const lines = [
    `one twin, ${parameters} parameters, ${rounds} rounds, ${events} calls each`,
    row('', [`Chromium ${chromium.version.split('.')[0]}`, '', `Node ${node.version}`, '']),
    row('', ['median', 'p95', 'median', 'p95']),
    row('record an event, ms', ms('record')),
    row('predict, ms', ms('predict')),
    row('round: train, ms', ms('train')),
    row('round: quantise, mask, seal, sign, ms', ms('protect')),
    row('bytes up per round', bytes('up')),
    row('bytes down per round', bytes('down')),
    `  memory held after gc      Chromium ${memory(chromium)}`,
    `                            Node     ${memory(node)}`,
    '',
    'beside the least that could do the job, in the same browser',
    `  record: an IndexedDB transaction in the clear   ${alternatives.record.milliseconds.median.toFixed(2)} ms, ratio ${alternatives.record.ratio.toFixed(2)}`,
    `  round: training alone                           ${alternatives.round.milliseconds.toFixed(2)} ms, ratio ${alternatives.round.ratio.toFixed(2)}`,
    `  report: the update as plain float32             ${alternatives.bytesUp.bytes} bytes, ratio ${alternatives.bytesUp.ratio.toFixed(2)}`,
  ];
  return `${lines.join('\n')}\n`;
}

function row(name, cells) {
  return `  ${name.padEnd(38)}${cells.map((cell) => cell.padStart(14)).join('')}`;
}

function spread({ median, p95 }, digits) {
  return [median.toFixed(digits), p95.toFixed(digits)];
}

function memory({ memory: { bytes, bytesPerRound, interval, grows } }) {
  const [low, high] = interval.map((end) => Math.round(end));
  return (
    `${(bytes / 1e6).toFixed(1)} MB, ${Math.round(bytesPerRound)} bytes a round ` +
    `(95 % interval ${low} to ${high}): ${grows ? 'GROWS' : 'does not grow'}`
  );
}
