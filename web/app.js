import { batch } from './batch.js';
import { Card } from './card.js';
import { showCode } from './code.js';
import { drawPreset } from './diagram.js';
import { droppedFiles } from './files.js';
import { keptUploads } from './kept.js';
import { presets } from './presize.js';
import { queue } from './queue.js';
import { plural } from './words.js';

const select = /** @type {HTMLSelectElement} */ (document.querySelector('#preset'));
const picker = /** @type {HTMLInputElement} */ (document.querySelector('#files'));
const announce = announcer(document.querySelector('#announcer'));
const page = {
  announce,
  run: queue(3),
  look: queue(2),
  kept: keptUploads(storage()),
  batch: batch(document.querySelector('#batch'), announce),
};

/** How many cards there have been: each has a number of its own. */
let frames = 0;

/** The service's presets by name. Files that are added before wait for them. */
const known = loadPresets();

picker.addEventListener('change', () => {
  add([...picker.files]);
  picker.value = ''; // so that the same file can be chosen again
});
addEventListener('paste', ({ clipboardData }) => add([...clipboardData.files]));
takeDrops();

restore();

/** Returns what the browser keeps for this page, if it does at all. */
function storage() {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/** Shows what was uploaded here before, the latest first. Each is loaded when it comes near the screen. */
async function restore() {
  const byName = await known;
  const waiting = new Map();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      waiting.get(target)();
    }
  }, { rootMargin: '50%' });
  for (const upload of page.kept.list().reverse()) {
    const preset = byName.get(upload.preset);
    if (!preset) continue; // the service does not offer it now
    const card = new Card({ name: upload.name, size: 0 }, preset, ++frames, page);
    card.keep(upload);
    waiting.set(card.element, () => card.restore());
    document.querySelector('#contact-sheet').hidden = false;
    document.querySelector('#uploads').append(card.element);
    observer.observe(card.element);
  }
}

/** @param {File[]} files */
async function add(files) {
  const preset = (await known).get(select.value);
  if (!preset || files.length === 0) return;
  const cards = files.map((file) => new Card(file, preset, ++frames, page));
  document.querySelector('#contact-sheet').hidden = false;
  document.querySelector('#uploads').prepend(...cards.map(({ element }) => element));
  for (const card of cards) page.batch.join(card);
  if (cards.length === 1) cards[0].open(); // of many, each person opens what they want to see
  cards[0].element.scrollIntoView({ block: 'nearest' });
  page.announce(`${plural(files.length, 'file')} added.`);
  for (const card of cards) card.start();
}

async function loadPresets() {
  const byName = new Map();
  try {
    for (const preset of await presets()) byName.set(preset.name, preset);
  } catch (error) {
    const trouble = document.querySelector('#trouble');
    trouble.textContent = `${error.message} Reload the page to try again.`;
    trouble.hidden = false;
    return byName;
  }
  select.replaceChildren(...[...byName.keys()].map((name) => new Option(name)));
  select.disabled = false;
  select.addEventListener('change', () => showPreset(byName));
  showPreset(byName);
  return byName;
}

function showPreset(byName) {
  showCode(document.querySelector('#code'), { origin: location.origin, preset: select.value }, announce);
  drawPreset(document.querySelector('#diagram'), document.querySelector('#diagram-caption'), byName.get(select.value));
}

/** Takes files dropped anywhere on the page; the browser would open them instead. */
function takeDrops() {
  const hasFiles = ({ dataTransfer }) => dataTransfer.types.includes('Files');
  addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    document.body.dataset.dragging = '';
  });
  addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget) delete document.body.dataset.dragging; // it left the window
  });
  addEventListener('drop', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    delete document.body.dataset.dragging;
    droppedFiles(event.dataTransfer).then(add);
  });
}

/**
 * Makes a function that announces sentences to a screen reader. It joins sentences in
 * quick succession, because the last one would interrupt the others.
 *
 * @param {HTMLElement} region
 */
function announcer(region) {
  let sentences = [];
  let timer;
  return (sentence) => {
    sentences.push(sentence);
    clearTimeout(timer);
    timer = setTimeout(() => {
      region.textContent = sentences.join(' ');
      sentences = [];
    }, 300);
  };
}
