// Measures presize's renderer with the CPU time that Lambda gives a function by its memory:
// one vCPU per 1,769 MB, up to 3,008 MB spread over two processors. A control group of
// Linux enforces the quota, which needs root. `make quota` runs it.
//
//     node quota.mjs BENCH_BINARY FILE [ROUNDS]
//
// It needs two idle processors: with fewer it measures the machine, not the quota.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [binary, file, rounds = '5'] = process.argv.slice(2);
const MEMORY = [1024, 1536, 1769, 2048, 2560, 3008]; // MB
const MEMORY_OF_CPU = 1769; // https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const PERIOD = 20_000; // µs; short, so that a throttled run is slow all the time and not for a while
const WARM = 2; // runs of each process; the first one is not counted

const GROUPS = '/sys/fs/cgroup';
const unified = existsSync(join(GROUPS, 'cgroup.controllers')); // version 2 of control groups
const group = join(GROUPS, unified ? '' : 'cpu', `presize-${process.pid}`);

/** Gives the group the time of that many processors. */
function limit(processors) {
  const quota = Math.round(processors * PERIOD);
  if (unified) {
    writeFileSync(join(group, 'cpu.max'), `${quota} ${PERIOD}`);
  } else {
    writeFileSync(join(group, 'cpu.cfs_period_us'), String(PERIOD));
    writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quota));
  }
}

/** Runs the renderer in the group and returns its last measurement. */
function render() {
  const inGroup = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
  const lines = execFileSync('sh', ['-c', inGroup, group, binary, file, 'avif,webp,jpeg', String(WARM)], { encoding: 'utf8' });
  return JSON.parse(lines.trim().split('\n').at(-1));
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

if (unified) writeFileSync(join(GROUPS, 'cgroup.subtree_control'), '+cpu');
mkdirSync(group);
try {
  const results = new Map(MEMORY.map((memory) => [memory, []]));
  for (let round = 0; round < Number(rounds); round++) {
    for (const memory of MEMORY) { // in turn, so that all run under the same load
      limit(memory / MEMORY_OF_CPU);
      results.get(memory).push(render());
    }
  }
  console.table(Object.fromEntries([...results].map(([memory, runs]) => {
    const figure = (key) => median(runs.map((run) => run[key]));
    return [`${memory} MB`, {
      vCPU: (memory / MEMORY_OF_CPU).toFixed(2),
      'ready ms': Math.round(figure('ready')),
      'wall ms': Math.round(figure('wall')),
      'CPU ms': Math.round(figure('cpu')),
      'GB-seconds': (figure('wall') / 1000 * memory / 1024).toFixed(2), // what Lambda charges for
      'peak MiB': Math.round(figure('rss')),
    }];
  })));
} finally {
  rmdirSync(group);
}
