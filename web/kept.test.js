import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keptUploads } from './kept.js';

/** A Storage, as far as the list uses it. */
class Store {
  items = new Map();
  getItem(key) { return this.items.get(key) ?? null; }
  setItem(key, value) { this.items.set(key, value); }
}

const upload = (id) => ({ id, secret: `secret-${id}`, name: `${id}.jpg`, preset: 'photo' });

describe('kept uploads', () => {
  it('outlive the page, in the order they came', () => {
    const store = new Store();
    const page = keptUploads(store);
    for (const id of ['a', 'b', 'c', 'a']) page.keep(upload(id)); // a was tried again
    assert.deepEqual(keptUploads(store).list(), ['b', 'c', 'a'].map(upload));
    page.forget('c');
    page.forget('unknown');
    assert.deepEqual(keptUploads(store).list(), ['b', 'a'].map(upload));
  });

  it('of two tabs do not replace each other', () => {
    const store = new Store();
    const [one, other] = [keptUploads(store), keptUploads(store)];
    one.keep(upload('a'));
    other.keep(upload('b'));
    one.keep(upload('c'));
    assert.deepEqual(other.list(), ['a', 'b', 'c'].map(upload));
  });

  it('are a hundred at most, the latest', () => {
    const page = keptUploads(new Store());
    for (let n = 0; n < 101; n++) page.keep(upload(String(n)));
    assert.deepEqual([page.list().length, page.list()[0].id], [100, '1']);
  });

  for (const [what, store] of Object.entries({
    'there is no storage': undefined,
    'the storage is full': { getItem: () => null, setItem: () => { throw new DOMException('full', 'QuotaExceededError'); } },
    'the storage is closed': { getItem: () => { throw new DOMException('no', 'SecurityError'); }, setItem: () => { throw new DOMException('no', 'SecurityError'); } },
  })) {
    it(`live as long as the page where ${what}`, () => {
      const page = keptUploads(store);
      page.keep(upload('a'));
      assert.deepEqual(page.list(), [upload('a')]);
    });
  }

  for (const text of ['{', 'null', '{"a":1}', '[1]', '[{"id":"a"}]', '"x"']) {
    it(`are none where the storage has ${text}`, () => {
      const store = new Store();
      store.setItem('presize.uploads', text);
      assert.deepEqual(keptUploads(store).list(), []);
    });
  }
});
