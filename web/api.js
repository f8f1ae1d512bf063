import { operations } from './openapi.js';

const DOCUMENT = 'api/v1/openapi.yaml';

const trouble = document.querySelector('#trouble');
try {
  const response = await fetch(DOCUMENT);
  if (!response.ok) throw new Error(`status ${response.status}`);
  show(await response.text());
} catch (error) {
  trouble.textContent = `The document could not be loaded (${error.message}). Reload the page to try again.`;
  trouble.hidden = false;
}

/** Shows the document, and a list of the operations that leads to their lines. */
function show(text) {
  const lines = text.split('\n');
  const found = operations(lines);
  document.querySelector('#operations').replaceChildren(...found.map(({ line, method, path, summary }) => {
    const link = document.createElement('a');
    link.href = `#line-${line}`;
    const name = document.createElement('code');
    name.textContent = `${method} ${path}`;
    link.append(name, summary);
    const item = document.createElement('li');
    item.append(link);
    return item;
  }));
  const targets = new Map(found.map(({ line, method, path }) => [line, `${method} ${path}`]));
  document.querySelector('#document').replaceChildren(...lines.flatMap((line, at) => {
    if (!targets.has(at)) return [`${line}\n`];
    const target = document.createElement('b');
    Object.assign(target, { id: `line-${at}`, tabIndex: -1, textContent: line });
    return [target, '\n'];
  }));
  document.getElementById(location.hash.slice(1))?.scrollIntoView(); // it was not there when the page loaded
}
