import assert from 'node:assert/strict';
import { it } from 'node:test';
import { alike } from './result.js';

const sizes = ['320', '640', '1280'].map((name) => ({ name }));
const images = (...widths) => widths.map((width, at) => ({ ...sizes[at], width, height: 2 * width }));

it('shows the sizes that are one image together', () => {
  assert.deepEqual(alike(sizes, images(320, 640, 1280)), [['320'], ['640'], ['1280']]);
  assert.deepEqual(alike(sizes, images(320, 500, 500)), [['320'], ['640', '1280']]);
  assert.deepEqual(alike(sizes, images(320, 320, 320)), [['320', '640', '1280']]);
});

it('leaves out a size that has no image yet', () => {
  assert.deepEqual(alike(sizes, images(320)), [['320']]);
});
