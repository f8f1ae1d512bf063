// Compares presize's renderer with sharp on the same libvips, with the same sizes,
// formats, qualities, efforts and chroma. Both run in turn, so that they run under the
// same load. `make compare` runs it.
//
// Sharp's libvips reads no HEIC, so a HEIC is compared with the photo, and with what it takes to decode it alone.
//
//     node compare.mjs BENCH_BINARY FILE HEIC_FILE [ROUNDS]

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [binary, file, heic, rounds = '5'] = process.argv.slice(2);
const sharp = fileURLToPath(new URL('sharp.mjs', import.meta.url));
const WARM = 2; // runs of each process; the first one is not counted

const contestants = {
  presize: (formats) => [binary, [file, formats, String(WARM)]],
  'sharp best': (formats) => [process.execPath, [sharp, 'best', file, formats, String(WARM)]],
  'sharp usual': (formats) => [process.execPath, [sharp, 'usual', file, formats, String(WARM)]],
  'sharp usual at once': (formats) => [process.execPath, [sharp, 'usual at once', file, formats, String(WARM)]],
};

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

for (const formats of ['avif,webp,jpeg', 'webp,jpeg', 'jpeg']) {
  const results = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round < Number(rounds); round++) {
    for (const [name, command] of Object.entries(contestants)) {
      const lines = execFileSync(...command(formats), { encoding: 'utf8' }).trim().split('\n');
      results[name].push(JSON.parse(lines.at(-1)));
    }
  }
  console.log(`\n${formats}`);
  console.table(Object.fromEntries(Object.entries(results).map(([name, runs]) => {
    const figure = (key) => median(runs.map((run) => run[key]));
    const ratio = median(runs.map((run, round) => run.wall / results.presize[round].wall));
    return [name, {
      'wall ms': Math.round(figure('wall')),
      'CPU ms': Math.round(figure('cpu')),
      'ready ms': runs[0].ready === undefined ? '' : Math.round(figure('ready')),
      'peak MiB': Math.round(figure('rss')),
      'wall / presize': ratio.toFixed(2),
    }];
  })));
}

// "none" encodes nothing: what is left is to decode the original and to scale it.
const kinds = {
  'the photo': [file, 'avif,webp,jpeg'],
  'the photo, decoded': [file, 'none'],
  HEIC: [heic, 'avif,webp,jpeg'],
  'HEIC, decoded': [heic, 'none'],
};
const renders = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]));
for (let round = 0; round < Number(rounds); round++) {
  for (const [name, [original, formats]] of Object.entries(kinds)) {
    const lines = execFileSync(binary, [original, formats, String(WARM)], { encoding: 'utf8' }).trim().split('\n');
    renders[name].push(JSON.parse(lines.at(-1)));
  }
}
console.log('\nHEIC beside the photo');
console.table(Object.fromEntries(Object.entries(renders).map(([name, runs]) => {
  const figure = (key) => Math.round(median(runs.map((run) => run[key])));
  const ratio = (key) => median(runs.map((run, round) => run[key] / renders['the photo'][round][key])).toFixed(2);
  return [name, {
    'wall ms': figure('wall'),
    'CPU ms': figure('cpu'),
    'ready ms': figure('ready'),
    'peak MiB': figure('rss'),
    'wall / photo': ratio('wall'),
    'ready / photo': ratio('ready'),
  }];
})));
