import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { operations } from './openapi.js';

const text = readFileSync(new URL('../api/openapi.yaml', import.meta.url), 'utf8');

it('finds every operation of the document, with its line and its summary', () => {
  const lines = text.split('\n');
  const found = operations(lines);
  assert.equal(found.length, text.match(/operationId:/g).length);
  for (const { line, method, path, summary } of found) {
    assert.equal(lines[line].trim(), `${method.toLowerCase()}:`);
    assert.match(path, /^\/api\/v1\//);
    assert.notEqual(summary, '');
  }
  assert.ok(found.some(({ method, path }) => method === 'DELETE' && path === '/api/v1/uploads/{id}'));
});

it('takes nothing of the schemas for an operation', () => {
  assert.deepEqual(operations(['components:', '  schemas:', '    get:', '      summary: no']), []);
});
