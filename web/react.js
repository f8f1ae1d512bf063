/**
 * react.js: presize for React 18 and later.
 *
 *     import { Picture, useUpload } from 'presize/react';
 *
 *     function Photos() {
 *       const { uploads, add, retry, remove } = useUpload({ preset: 'photo' });
 *       return (
 *         <>
 *           <input type="file" accept="image/*" multiple onChange={(event) => add(event.target.files)} />
 *           {uploads.map(({ key, file, progress, manifest }) => (
 *             manifest ? <Picture key={key} manifest={manifest} alt={file.name} /> : <progress key={key} value={progress} />
 *           ))}
 *         </>
 *       );
 *     }
 */

'use client'; // for React Server Components: it has state

/** @import {ForwardRefExoticComponent, ImgHTMLAttributes, RefAttributes} from 'react' */
/** @import {Manifest, Overall} from './presize.js' */
/** @import {Item, ListOptions} from './uploads.js' */

import { createElement, forwardRef, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { pictureParts } from './picture.js';
import { draw } from './thumbhash.js';
import { createUploads, overall } from './uploads.js';

/** @type {Item[]} */
const NONE = [];

/**
 * @typedef {object} Uploads
 * @property {Item[]} uploads      in the order in which they were added
 * @property {Overall} progress    of all of them
 * @property {(files: Iterable<File> | ArrayLike<File> | null) => void} add  uploads more files
 * @property {(key: string) => void} retry   tries a failed upload again
 * @property {(key: string) => Promise<void>} remove  cancels an upload that runs, and deletes one that has arrived
 * @property {() => void} clear    takes the uploads that are ready off the list, and leaves them with the service
 */

/**
 * Uploads files, and tells how far each is. Uploads go on where the component goes away; `onReady`
 * and `onError` are told their end. The options may change with each render, but for `parallel`.
 *
 * @param {ListOptions} [options]
 * @returns {Uploads}
 */
export function useUpload(options = {}) {
  const latest = useRef(options);
  useEffect(() => { latest.current = options; });
  const [list] = useState(() => createUploads(() => latest.current));
  const uploads = useSyncExternalStore(list.subscribe, list.items, () => NONE);
  const progress = useMemo(() => overall(uploads), [uploads]);
  return { uploads, progress, add: list.add, retry: list.retry, remove: list.remove, clear: list.clear };
}

/**
 * Shows an upload in the size and the format that fit the browser best. Until it has loaded, its
 * placeholder is in its place: the color at once, the blur as soon as there is a document. The blur
 * is a `data:` URL, which a Content-Security-Policy must allow in `img-src`. It shows nothing while the
 * manifest has no image.
 *
 * `sizes` says how wide the image is shown, as of an `<img>`; by default it is as wide as it is itself, or as the
 * screen. All other properties are those of the `<img>`, and so is the `ref`.
 *
 * @typedef {{manifest: Manifest, sizes?: string | undefined, alt: string}
 *   & Omit<ImgHTMLAttributes<HTMLImageElement>, 'src' | 'srcSet' | 'sizes' | 'alt'>} PictureProps
 *
 * @type {ForwardRefExoticComponent<PictureProps & RefAttributes<HTMLImageElement>>}
 */
export const Picture = forwardRef(function Picture(/** @type {PictureProps} */ { manifest, sizes, alt, style, onLoad, ...rest }, ref) {
  const parts = pictureParts(manifest);
  const src = parts?.src;
  const [loaded, setLoaded] = useState('');
  const blur = useBlur(manifest.placeholder?.thumbhash);
  const seen = useCallback((/** @type {HTMLImageElement | null} */ img) => {
    if (img?.complete && img.naturalWidth > 0) setLoaded(img.getAttribute('src') ?? ''); // before there was a listener
    if (typeof ref === 'function') return ref(img); // since React 19 it may return a function
    if (ref) ref.current = img;
  }, [ref]);
  if (!parts) return null;
  const wide = sizes ?? `(max-width: ${parts.width}px) 100vw, ${parts.width}px`;
  const background = loaded === src ? undefined : {
    backgroundColor: manifest.placeholder?.color,
    backgroundImage: blur && `url(${blur})`,
    backgroundSize: '100% 100%',
  };
  return createElement(
    'picture',
    null,
    ...parts.sources.map(({ type, srcset, media }) => createElement('source', { key: type, type, srcSet: srcset, media, sizes: wide })),
    createElement('img', {
      key: src,
      ref: seen,
      loading: 'lazy',
      decoding: 'async',
      ...rest,
      // Before src, which would load an image that may not be wanted.
      sizes: wide,
      srcSet: parts.srcset,
      src,
      alt,
      width: rest.width ?? parts.width,
      height: rest.height ?? parts.height,
      style: { ...background, ...style },
      onLoad: (event) => {
        setLoaded(src ?? '');
        onLoad?.(event);
      },
    }),
  );
});

/** Returns the URL of a blurred image, once there is a document to draw it. */
function useBlur(thumbhash) {
  const [url, setUrl] = useState('');
  useEffect(() => {
    if (!thumbhash) return;
    try {
      const canvas = document.createElement('canvas');
      draw(canvas, thumbhash);
      setUrl(canvas.toDataURL());
    } catch {
      // The color alone is a placeholder too.
    }
  }, [thumbhash]);
  return url;
}
