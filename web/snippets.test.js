import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { snippets } from './snippets.js';

const all = snippets({ origin: 'https://images.example.com', preset: 'avatar' });
const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const { exports } = JSON.parse(read('package.json'));

describe('snippets', () => {
  for (const { client, about, code } of all) {
    it(`for ${client} upload to this service with the chosen preset`, () => {
      assert.ok(code.includes('https://images.example.com'));
      assert.ok(code.includes('avatar'));
      assert.ok(!/undefined|object Object/.test(code + about));
    });
  }

  const imports = all.flatMap(({ client, code }) => [...code.matchAll(/import (.+) from '(presize[^']*)'/g)]
    .map(([, names, from]) => ({ client, names, from })));
  for (const { client, names, from } of imports) {
    it(`for ${client} import what ${from} exports`, () => {
      const file = exports[from.replace('presize', '.')];
      assert.ok(file, `package.json exports no ${from}`);
      const text = read(file);
      const exported = [...text.matchAll(/^export (?:async )?(?:function|class|const) (\w+)|^export \{ (.+) \}/gm)]
        .flatMap(([, one, several]) => (one ? [one] : several.split(', ')));
      for (const name of names.replace(/[{}\s]/g, '').split(',')) {
        if (names.startsWith('{')) assert.ok(exported.includes(name), `${from} exports no ${name}`);
        else assert.match(text, /^export default /m);
      }
    });
  }

  it('are of every kind of client', () => assert.ok(imports.length >= 4 && all.length >= 7));
});
