import assert from 'node:assert/strict';
import { it } from 'node:test';
import { droppedFiles } from './files.js';

const file = (name, type = '') => ({ name, type });
/** Entries as the File and Directory Entries API has them. */
const entry = (one) => ({ isDirectory: false, name: one.name, file: (done) => done(one) });
const folder = (name, entries, atOnce = 100) => ({
  isDirectory: true,
  name,
  createReader() {
    const rest = [...entries];
    return { readEntries: (done) => done(rest.splice(0, atOnce)) };
  },
});
const drop = (entries, files = entries.map(({ name }) => file(name))) => droppedFiles({
  items: entries.map((one) => ({ kind: 'file', webkitGetAsEntry: () => one })), files,
});
const names = async (files) => (await files).map(({ name }) => name);

it('takes the images of folders and of their folders, in the order of their names', async () => {
  const trip = folder('trip', [
    entry(file('IMG_10.jpg')), entry(file('IMG_9.HEIC')), entry(file('notes.txt', 'text/plain')), entry(file('.hidden.jpg')),
    folder('more', [entry(file('a', 'image/png')), folder('.git', [entry(file('b.png'))])]),
  ]);
  assert.deepEqual(await names(drop([trip])), ['IMG_9.HEIC', 'IMG_10.jpg', 'a']);
});

it('reads a folder to its end', async () => {
  const many = Array.from({ length: 250 }, (_, at) => entry(file(`${at}.jpg`)));
  assert.equal((await drop([folder('many', many)])).length, 250);
});

it('takes every dropped file, also one that is no image: the service says why it rejects it', async () => {
  const dropped = [entry(file('letter.txt', 'text/plain')), folder('trip', [entry(file('a.jpg'))]), entry(file('b.png'))];
  assert.deepEqual(await names(drop(dropped)), ['letter.txt', 'a.jpg', 'b.png']);
  assert.deepEqual(await names(drop([dropped[0]])), ['letter.txt']);
});

it('takes the files where there are no entries', async () => {
  const files = [file('a.jpg')];
  assert.deepEqual(await droppedFiles({ items: [{ kind: 'string' }, { kind: 'file' }], files }), files);
});
