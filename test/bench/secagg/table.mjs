// The figures in words that a stranger understands.

const out = (line = '') => process.stdout.write(`${line}\n`);

export function printCosts({ m, c, bits, threads, machine, bandwidth, clients, sets }) {
  out(
    `secure aggregation with ${m} helpers, of which ${c} may collude; words of ${bits} bits; helpers expand on ${threads} threads`,
  );
  out(
    `${machine.processors} x ${machine.cpu}, Node ${machine.node}, memcpy ${(bandwidth / 1e6).toFixed(1)} GB/s read and written`,
  );
  out();
  out('ONE DEVICE, ONE REPORT: CPU ms, and bytes sent; beside them a vector of float32 in the clear');
  out(
    '  parameters   rotate+round   mask+seal+sign     total  |  with node:crypto  |   bytes up    in the clear',
  );
  for (const { d, quantise, protectBrowser, protectNode, bytesUp, clearBytes } of clients)
    out(
      `  ${count(d, 10)}   ${ms(quantise, 12)}   ${ms(protectBrowser, 14)}  ${ms(quantise + protectBrowser, 8)}  |` +
        `  ${ms(quantise + protectNode, 16)}  | ${count(bytesUp, 10)}   ${count(clearBytes, 13)}`,
    );
  out();
  out('ONE REPORT COMES IN: CPU ms, spread over the time that a round collects');
  out(
    '  parameters   coordinator (decode, hashes, signature)   helper (signature, credential, box, commitments)',
  );
  for (const { d, intake } of clients)
    out(`  ${count(d, 10)}   ${ms(intake.coordinator, 39)}   ${ms(intake.helper, 48)}`);
  out();
  out(
    'NOISE, where a task has differential privacy: ms for one helper and one round, on top of what follows',
  );
  out('  parameters        CPU       wall');
  for (const { d, noise } of clients) out(`  ${count(d, 10)}   ${ms(noise.cpu, 8)}   ${ms(noise.wall, 8)}`);
  out();
  out(
    'THE SET IS FIXED: seconds of CPU until the sum is open; "wall" is what the slowest helper makes the others wait',
  );
  out('  "whole" adds what it took to take the reports in, at the coordinator and at the slowest helper');
  out(
    '  "clear" is the plain sum of the same vectors, "memory" the time in which memcpy reads them; ~ is extrapolated',
  );
  out(
    '  parameters  devices  missing |  coordinator    helper   (wall) |      both     whole |     clear   memory |  both/clear',
  );
  for (const set of sets) {
    const { d, n, missing, coordinator, helper, helperWall, clear, vectorBytes, extrapolated } = set;
    out(
      `${extrapolated ? '~' : ' '} ${count(d, 10)} ${count(n, 8)}  ${`${Math.round(missing * 100)} %`.padStart(7)} |` +
        `   ${s(coordinator, 10)} ${s(helper, 9)} ${`(${s(helperWall, 0)})`.padStart(8)} |` +
        ` ${s(coordinator + helper, 9)} ${s(wholeOf(set, clients), 9)} |` +
        ` ${s(clear, 9)} ${s(vectorBytes / bandwidth, 8)} |  ${((coordinator + helper) / clear).toFixed(1).padStart(9)} x`,
    );
  }
}

/** What the project aims at; only for the helpers and the modulus that it aims at them with. @returns them with what was measured */
export function printTargets({ m, c, bits, clients, sets }) {
  if (m !== 3 || c !== 1 || bits !== 24) return [];
  const client = clients.find(({ d }) => d === 100_000);
  const of = (devices) => sets.find(({ d, n, missing }) => d === 100_000 && n === devices && missing === 0.3);
  const [small, large] = [of(100), of(1_000)];
  const { intake } = client;
  const targets = [
    ['a device, CPU ms', 15, client.quantise + client.protectBrowser],
    ['a device, bytes up', 401_000, client.bytesUp],
    ['100 devices: coordinator and slowest helper, s', 0.15, (small.coordinator + small.helper) / 1000],
    ['  and taking the reports in', 0.15, wholeOf(small, clients) / 1000],
    ['1,000 devices: coordinator, s', 0.5, large.coordinator / 1000],
    ['  and taking the reports in', 0.5, (large.coordinator + large.reports * intake.coordinator) / 1000],
    ['1,000 devices: slowest helper, s', 1.2, large.helper / 1000],
    ['  and taking the reports in', 1.2, (large.helper + large.reports * intake.helper) / 1000],
  ].map(([what, most, measured]) => ({ what, most, measured, met: measured <= most }));
  out();
  out('AIMS, at 100,000 parameters, 30 % missing');
  for (const { what, most, measured, met } of targets)
    out(
      `  ${met ? 'met   ' : 'MISSED'}  ${what.padEnd(48)} ${figure(measured).padStart(9)}  of at most ${figure(most)}`,
    );
  return targets;
}

function wholeOf({ d, reports, coordinator, helper }, clients) {
  const { intake } = clients.find((client) => client.d === d);
  return coordinator + helper + reports * (intake.coordinator + intake.helper);
}

const count = (value, width) => value.toLocaleString('en').padStart(width);
const ms = (value, width) => value.toFixed(2).padStart(width);
const s = (milliseconds, width) => (milliseconds / 1000).toFixed(milliseconds < 100 ? 4 : 2).padStart(width);
const figure = (value) => (value >= 1000 ? value.toLocaleString('en') : String(Number(value.toPrecision(3))));
