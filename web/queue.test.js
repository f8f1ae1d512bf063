import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { it } from 'node:test';
import { queue } from './queue.js';

/** Lets everything that is due happen. */
const settled = () => new Promise(setImmediate);
const { signal } = new AbortController();

/** Makes jobs that note their start, and end when they are told to. */
function jobs() {
  const started = [];
  const end = {};
  const job = (name) => () => new Promise((resolve, reject) => {
    started.push(name);
    end[name] = { resolve, reject };
  });
  return { started, end, job };
}

it('runs as many jobs as there are places, and the next in order', async () => {
  const { started, end, job } = jobs();
  const run = queue(2);
  const results = ['a', 'b', 'c', 'd'].map((name) => run(job(name), signal));
  await settled();
  assert.deepEqual(started, ['a', 'b']);
  end.b.resolve('B');
  assert.equal(await results[1], 'B');
  await settled();
  assert.deepEqual(started, ['a', 'b', 'c']);
  end.a.resolve();
  end.c.resolve();
  await settled();
  assert.deepEqual(started, ['a', 'b', 'c', 'd']);
});

it('goes on after a job that failed', async () => {
  const { started, end, job } = jobs();
  const run = queue(1);
  const first = run(job('a'), signal);
  run(job('b'), signal);
  await settled();
  end.a.reject(new Error('failed'));
  await assert.rejects(first, { message: 'failed' });
  await settled();
  assert.deepEqual(started, ['a', 'b']);
});

it('leaves nothing on the signal of a job that has waited, and of one that has left', async () => {
  const { end, job } = jobs();
  const run = queue(1);
  const [waited, left] = [new AbortController(), new AbortController()];
  run(job('a'), signal);
  run(job('b'), waited.signal);
  const leaving = run(job('c'), left.signal);
  left.abort();
  await assert.rejects(leaving);
  end.a.resolve();
  await settled();
  assert.deepEqual([waited, left].map((each) => getEventListeners(each.signal, 'abort').length), [0, 0]);
});

it('lets a waiting job leave, and keeps every place', async () => {
  const { started, end, job } = jobs();
  const run = queue(1);
  const controller = new AbortController();
  run(job('a'), signal);
  const second = run(job('b'), controller.signal);
  run(job('c'), signal);
  controller.abort(new Error('cancelled'));
  await assert.rejects(second, { message: 'cancelled' });
  end.a.resolve();
  await settled();
  assert.deepEqual(started, ['a', 'c']);
  end.c.resolve();
  await settled();
  run(job('d'), signal);
  await settled();
  assert.deepEqual(started, ['a', 'c', 'd']);
});
