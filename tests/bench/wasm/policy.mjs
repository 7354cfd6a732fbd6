// policy.mjs FOLDER FILE…: asks the panel's whole engine what the bench wrote to FOLDER, and prints as JSON
// how long every round took.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const rounds = 7;
/** Directions of a round at least. */
const leastDirections = 400_000;

const [folder = '', ...files] = process.argv.slice(2);
const engine = new WebAssembly.Module(readFileSync('frontend-wasm/pkg/engine_bg.wasm'));
const bindings = readFileSync('frontend-wasm/pkg/engine.js').toString('base64');
const { FlowTable, Policies, Questions } = await started('questions');
/** @type {Array<{ name: string; unit: string; count: number; rounds: number[] }>} */
const measured = [];

for (const count of [50_000, 100_000]) {
  await firstVerdicts(count);
}

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
measureOnce('500000 packed flows unpacked into columns, once', () =>
  table.append(readFileSync(join(folder, 'flows-500000.bin')))
);
/** @param {string} port */
const compiled = (port) =>
  new Policies(['a.yaml'], [readFileSync(join(folder, `policies-${port}.yaml`), 'utf8')], new Float64Array(1), []);
measureOnce('500000 flows judged for the first time, from their columns', () => judge('8080'));
let edit = 0;
measure('500000 flows judged after an edit, compiling included', 0, () => judge(edit++ % 2 === 0 ? '8081' : '8080'));
process.stdout.write(JSON.stringify(measured));

/**
 * From bytes and policies to judged rows, each time in a memory of its own; then what that memory came to.
 * @param {number} count
 */
async function firstVerdicts(count) {
  const bytes = readFileSync(join(folder, `flows-${count}.bin`));
  const text = readFileSync(join(folder, 'policies-193.yaml'), 'utf8');
  /** @type {number[]} */
  const seconds = [];
  /** @type {number[]} */
  const megabytes = [];
  for (let round = 0; round <= rounds; round++) {
    const { FlowTable, Policies, memory } = await started(`${count}-${round}`);
    seconds.push(
      secondsOf(() => {
        const table = new FlowTable();
        table.append(bytes);
        const policies = new Policies(['a.yaml'], [text], new Float64Array(1), []);
        table.judge(policies);
        const codes = table.codes('decidedBy');
        if (policies.count !== 193 || codes.length !== count || codes.includes(0)) {
          throw new Error(`${policies.count} policies, ${codes.length} flows, or one that was not judged`);
        }
      })
    );
    megabytes.push(memory.buffer.byteLength / 1e6);
  }
  const name = `${count} flows, 193 policies: from bytes to judged rows`;
  measured.push({ name, unit: 'ms', count: 0, rounds: seconds.slice(1) });
  measured.push({ name: `${name}, memory`, unit: 'MB', count: 0, rounds: megabytes.slice(1) });
}

/** @param {string} port */
function judge(port) {
  const policies = compiled(port);
  table.judge(policies);
  const codes = table.codes('decidedBy');
  policies.free();
  if (codes.length !== 500_000) {
    throw new Error(`${codes.length} flows were judged`);
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
  measured.push({ name, unit: 'ms', count, rounds: Array.from({ length: rounds }, () => secondsOf(work)) });
}

/**
 * @param {string} name
 * @param {() => void} work
 */
function measureOnce(name, work) {
  measured.push({ name, unit: 'ms', count: 0, rounds: [secondsOf(work)] });
}

/** @param {() => void} work */
function secondsOf(work) {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/**
 * The engine with its bindings, which are an ES module without a package.json that says so; with a memory of its
 * own for each name.
 * @param {string} name
 */
async function started(name) {
  const module = await import(`data:text/javascript;base64,${bindings}#${name}`);
  const { memory } = module.initSync({ module: engine });
  return { ...module, memory };
}
