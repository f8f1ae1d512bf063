import { StrictMode, version } from 'react';
import { createRoot } from 'react-dom/client';
import type { Manifest } from 'presize';
import { Photos } from './Photos';

const endpoint = new URLSearchParams(location.search).get('endpoint') ?? undefined;

document.title = `React ${version}`;
const root = createRoot(document.querySelector('#root')!);
/** For the test: what is ready, also after the component has gone. */
const finished: Manifest[] = [];
Object.assign(window, { root, finished });
root.render(
  <StrictMode>
    <Photos endpoint={endpoint} onReady={(manifest) => finished.push(manifest)} />
  </StrictMode>,
);
