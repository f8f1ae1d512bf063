import { StrictMode, version } from 'react';
import { createRoot } from 'react-dom/client';
import { Photos } from './Photos';

const endpoint = new URLSearchParams(location.search).get('endpoint') ?? undefined;

document.title = `React ${version}`;
createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <Photos endpoint={endpoint} />
  </StrictMode>,
);
