// Runs `go test` with the given arguments and shows how far it is: a line for each package when it is done, the
// output of each failed test, and after some silence what is still running.
//
//   node .ci/progress.mjs -race ./api ./worker

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const SILENCE = 30_000; // ms
const MODULE = 'github.com/presize/presize/';

const output = new Map(); // lines by package and test, until it is known whether they matter
const running = new Map(); // start times by package and test
const failed = [];
let printed = Date.now();

const go = spawn('go', ['test', '-json', ...process.argv.slice(2)], { stdio: ['ignore', 'pipe', 'inherit'] });
createInterface({ input: go.stdout }).on('line', (line) => {
  try {
    handle(JSON.parse(line));
  } catch (err) {
    if (!(err instanceof SyntaxError)) throw err;
    print(line); // not from a test
  }
});

// https://pkg.go.dev/cmd/test2json#hdr-Output_Format
function handle({ Action: action, Package: pkg, ImportPath: built, Test: test, Output: text }) {
  const name = [pkg ?? built, test].filter(Boolean).join(' ').replace(MODULE, '');
  switch (action) {
    case 'build-output':
      print(text);
      break;
    case 'output':
      output.set(name, [...(output.get(name) ?? []), text]);
      break;
    case 'start':
    case 'run':
    case 'cont':
      running.set(name, Date.now());
      break;
    case 'pause':
      running.delete(name);
      break;
    case 'pass':
    case 'fail':
    case 'skip':
      finish(action, name, test);
  }
}

function finish(action, name, test) {
  const lines = output.get(name) ?? [];
  output.delete(name);
  running.delete(name);
  if (action === 'fail') {
    failed.push(name);
    print(lines.filter((line) => !line.startsWith('=== ')).join(''));
  } else if (!test) {
    print(lines.filter((line) => line.startsWith('ok')).join(''));
  }
}

function print(text) {
  if (text.trim() === '') return;
  printed = Date.now();
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

const heartbeat = setInterval(() => {
  if (Date.now() - printed < SILENCE) return;
  const tests = [...running].filter(([name]) => name.includes(' '));
  const waits = (tests.length ? tests : [...running]).map(([name, since]) => `${name} (${Math.round((Date.now() - since) / 1000)} s)`);
  print(`    running: ${waits.slice(-3).join(', ') || 'the compiler'}`);
}, 1000);

go.on('close', (code) => {
  clearInterval(heartbeat);
  const innermost = failed.filter((name) => !failed.some((other) => other.startsWith(`${name} `) || other.startsWith(`${name}/`)));
  if (innermost.length) print(`failed: ${innermost.join(', ')}`);
  process.exitCode = code ?? 1;
});
