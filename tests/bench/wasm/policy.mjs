// policy.mjs FOLDER FILE…: asks the Wasm modules what the bench wrote to FOLDER, and prints as JSON
// how long every round took.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const rounds = 7;
/** Directions of a round at least. */
const leastDirections = 400_000;

const [folder = '', ...files] = process.argv.slice(2);
const { FlowTable } = await started('frontend-wasm', 'frontend_wasm');
const { Policies, Questions, RecordedFlows } = await started('policy-wasm', 'policy_wasm');
/** @type {Array<{ name: string; count: number; rounds: number[] }>} */
const measured = [];

for (const file of files) {
  /** @type {Array<ReturnType<typeof ready>>} */
  const scenarios = JSON.parse(readFileSync(join(folder, `${file}.json`), 'utf8')).map(ready);
  const once = scenarios.reduce((sum, { directions }) => sum + directions, 0);
  const times = Math.ceil(leastDirections / once);
  measure(`${file}: judged in Wasm, deciding rule included`, once * times, () => {
    for (let time = 0; time < times; time++) {
      for (const { policies, questions } of scenarios) {
        const answers = policies.answer(questions);
        if (answers.verdicts().length === 0) {
          throw new Error('no verdicts');
        }
        answers.free();
      }
    }
  });
}

const table = new FlowTable();
measureOnce('1000000 packed flows decoded for the table, once', () =>
  table.append(readFileSync(join(folder, 'flows.bin')))
);
const flows = new RecordedFlows();
for (let stream = 0; stream < table.streams; stream++) {
  flows.append(table.stream(stream));
}
flows.setPlaces(table.places());
/** @param {string} port */
const compiled = (port) =>
  new Policies(['a.yaml'], [readFileSync(join(folder, `policies-${port}.yaml`), 'utf8')], new Float64Array(1), []);
measureOnce('1000000 flows judged for the first time, decoding included', () => judge('8080'));
let edit = 0;
measure('1000000 flows judged after an edit, compiling included', 0, () => judge(edit++ % 2 === 0 ? '8081' : '8080'));
process.stdout.write(JSON.stringify(measured));

/** @param {string} port */
function judge(port) {
  const policies = compiled(port);
  const judged = flows.judge(policies);
  const codes = judged.decidedBy();
  judged.free();
  policies.free();
  if (codes.length !== table.flows) {
    throw new Error(`${codes.length} of ${table.flows} flows were judged`);
  }
}

/**
 * @param {{
 *   policies: string[]; settings: string[]; dualStack: boolean; identities: string[];
 *   subjects: number[]; peers: number[]; directions: number[]; protocols: number[]; ports: number[];
 * }} scenario
 */
function ready(scenario) {
  const names = scenario.policies.map((_, at) => String(at));
  const policies = new Policies(names, scenario.policies, new Float64Array(names.length), scenario.settings);
  const questions = new Questions(
    scenario.identities,
    [''],
    scenario.dualStack,
    Uint32Array.from(scenario.subjects),
    Uint32Array.from(scenario.peers),
    Uint8Array.from(scenario.directions),
    Uint8Array.from(scenario.protocols),
    Uint16Array.from(scenario.ports),
    new Uint32Array(scenario.ports.length)
  );
  return { policies, questions, directions: scenario.ports.length };
}

/**
 * @param {string} name
 * @param {number} count
 * @param {() => void} work
 */
function measure(name, count, work) {
  work();
  measured.push({ name, count, rounds: Array.from({ length: rounds }, () => secondsOf(work)) });
}

/**
 * @param {string} name
 * @param {() => void} work
 */
function measureOnce(name, work) {
  measured.push({ name, count: 0, rounds: [secondsOf(work)] });
}

/** @param {() => void} work */
function secondsOf(work) {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/**
 * The module with its bindings, which are ES modules without a package.json that says so.
 * @param {string} folder
 * @param {string} name
 */
async function started(folder, name) {
  const bindings = readFileSync(join(folder, 'pkg', `${name}.js`));
  const module = await import(`data:text/javascript;base64,${bindings.toString('base64')}`);
  module.initSync({ module: readFileSync(join(folder, 'pkg', `${name}_bg.wasm`)) });
  return module;
}
