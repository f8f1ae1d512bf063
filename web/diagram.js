import { list, plural, typeName } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
/** The size of the drawing, in the units of style.css's labels. */
const WIDTH = 480;
const HEIGHT = 320;
/** The ratio shown for a size without a height, which follows the photo. */
const USUAL_RATIO = 3 / 2;

/**
 * Draws a preset's sizes to scale, one inside the other.
 *
 * @param {SVGSVGElement} svg
 * @param {HTMLElement} caption
 * @param {import('./presize.js').Preset} preset
 */
export function drawPreset(svg, caption, { sizes, formats, fit }) {
  const boxes = sizes.map(({ width, height }) => ({
    width,
    height: height ?? width / USUAL_RATIO,
    label: height ? `${width} × ${height}` : `${width}`,
  }));
  const scale = Math.min(...boxes.map(({ width, height }) => Math.min(WIDTH / width, HEIGHT / height)));

  svg.setAttribute('viewBox', `-1 -1 ${WIDTH + 2} ${HEIGHT + 2}`);
  svg.replaceChildren(...boxes.flatMap((box, at) => {
    const [width, height] = [box.width * scale, box.height * scale];
    const y = HEIGHT - height;
    const text = element('text', { x: width - 8, y: y + 18 });
    text.textContent = box.label;
    return [element('rect', { x: 0, y, width, height, class: at === 0 ? 'smallest' : '' }), text];
  }));

  const images = plural(sizes.length * formats.length, 'image');
  const how = fit === 'cover' ? 'cropped to fill' : 'never enlarged';
  caption.textContent = `${images}: ${plural(sizes.length, 'size')}, ${how}, in ${list(formats.map(typeName))}.`;
}

function element(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}
