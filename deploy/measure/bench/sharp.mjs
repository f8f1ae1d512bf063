// Renders the preset photo with sharp in one of three ways. "best" is the fastest: it decodes
// once and starts all variants at once. "usual" is what sharp's users write: one pipeline for
// each variant, one after the other. "usual at once" starts these pipelines at once.
//
//     node sharp.mjs best|usual|'usual at once' FILE FORMAT[,FORMAT...] RUNS
//
// Prints a line of JSON for each run: wall and CPU milliseconds, peak RSS in MiB.

import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

const [arrangement, path, formats, runs] = process.argv.slice(2);
const file = await readFile(path);
const presets = JSON.parse(await readFile(new URL('../../presets/presets.json', import.meta.url)));
const { sizes, encoders } = presets.find(({ name }) => name === 'photo');
const wanted = encoders.filter(({ format }) => formats.split(',').includes(format.slice('image/'.length)));

sharp.cache(false);

/** The same encoder settings as presize has, which follow bimg's. */
function encode(pipeline, { format, quality, speed, effort }) {
  switch (format) {
    case 'image/jpeg': return pipeline.jpeg({ quality, progressive: true });
    case 'image/webp': return pipeline.webp({ quality, effort });
    default: return pipeline.avif({ quality, effort: 9 - speed, chromaSubsampling: '4:2:0' });
  }
}

async function best() {
  const raw = async (pipeline, width) => {
    const { data, info } = await pipeline.resize({ width, withoutEnlargement: true }).raw().toBuffer({ resolveWithObject: true });
    return () => sharp(data, { raw: info });
  };
  const widths = sizes.map(({ width }) => width);
  const master = await raw(sharp(file).autoOrient(), Math.max(...widths));
  await Promise.all(widths.map(async (width) => {
    const sized = await raw(master(), width);
    await Promise.all(wanted.map((encoder) => encode(sized(), encoder).toBuffer()));
  }));
}

const pipelines = sizes.flatMap(({ width }) => wanted.map((encoder) => () =>
  encode(sharp(file).autoOrient().resize({ width, withoutEnlargement: true }), encoder).toBuffer()));

async function usual() {
  for (const pipeline of pipelines) await pipeline();
}

async function usualAtOnce() {
  await Promise.all(pipelines.map((pipeline) => pipeline()));
}

const render = { best, usual, 'usual at once': usualAtOnce }[arrangement];
for (let run = 0; run < Number(runs); run++) {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  await render();
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({
    wall: performance.now() - wall,
    cpu: (user + system) / 1000,
    rss: process.resourceUsage().maxRSS / 1024,
  }));
}
