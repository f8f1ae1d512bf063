/**
 * @typedef {object} Operation
 * @property {number} line      where it begins, from 0
 * @property {string} method
 * @property {string} path
 * @property {string} summary
 */

/**
 * Finds the operations of an OpenAPI document in YAML, by the indentation that the service's has.
 *
 * @param {string[]} lines
 * @returns {Operation[]}
 */
export function operations(lines) {
  const found = [];
  let path = '';
  lines.forEach((line, at) => {
    path = /^ {2}(\/\S*):$/.exec(line)?.[1] ?? (/^\S/.test(line) ? '' : path);
    const method = /^ {4}(get|put|post|delete|patch):$/.exec(line)?.[1];
    if (path && method) found.push({ line: at, method: method.toUpperCase(), path, summary: '' });
    const summary = /^ {6}summary: (.*)$/.exec(line)?.[1];
    if (path && summary && found.length > 0) found.at(-1).summary ||= summary;
  });
  return found;
}
