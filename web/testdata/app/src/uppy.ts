import Uppy from '@uppy/core';
import Dashboard from '@uppy/dashboard';
import '@uppy/core/css/style.min.css';
import '@uppy/dashboard/css/style.min.css';
import Presize from 'presize/uppy';

const endpoint = new URLSearchParams(location.search).get('endpoint') ?? undefined;
const uppy = new Uppy({ restrictions: { allowedFileTypes: ['image/*'] } })
  .use(Dashboard, { inline: true, target: '#uploads' })
  .use(Presize, { endpoint, preset: 'photo' });

/** For the test: what the app was told. */
const told: unknown[] = [];
uppy.on('upload-progress', (file, { bytesUploaded, bytesTotal }) => told.push({ event: 'progress', name: file?.name, bytesUploaded, bytesTotal }));
uppy.on('upload-success', (file, response) => told.push({ event: 'success', name: file?.name, ...response }));
uppy.on('upload-error', (file, error) => told.push({ event: 'error', name: file?.name, message: error.message }));
Object.assign(window, { uppy, told });
