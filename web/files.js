import { declare } from './sniff.js';

/**
 * Returns the files of a drop. Of folders it takes the images in them and in their folders.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
export async function droppedFiles({ items, files }) {
  // The browser forgets the items after the event, so all are read before anything is awaited.
  const entries = [...items].filter(({ kind }) => kind === 'file').map((item) => item.webkitGetAsEntry?.());
  const plain = [...files];
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  const found = await Promise.all(entries.map((entry, at) => (entry?.isDirectory ? imagesIn(entry) : [plain[at]])));
  return found.flat();
}

/**
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<File[]>}  in the order of their names
 */
async function imagesIn(folder) {
  const entries = (await list(folder)).filter(({ name }) => !name.startsWith('.'));
  entries.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const found = await Promise.all(entries.map(async (entry) => {
    if (entry.isDirectory) return imagesIn(entry);
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(undefined))); // then it can't be read
    return file && isImage(file) ? [file] : [];
  }));
  return found.flat();
}

/** A reader gives some entries at a time, and none at the end. */
async function list(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([]))); // one that can't be read is empty
    if (some.length === 0) return all;
    all.push(...some);
  }
}

/** By its name alone: a folder may have many files. */
function isImage(file) {
  return declare(file, new Uint8Array()).startsWith('image/');
}
