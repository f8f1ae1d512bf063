import * as FilePond from 'filepond';
import 'filepond/dist/filepond.min.css';
import { server } from 'presize/filepond';

const endpoint = new URLSearchParams(location.search).get('endpoint') ?? undefined;
/** For the test: what the app was told. */
const told: unknown[] = [];
const pond = FilePond.create(document.querySelector('input')!, {
  name: 'photos',
  server: server({ endpoint, preset: 'photo', onReady: (manifest, { secret }) => told.push({ manifest, secret }) }),
  labelFileProcessingError: ({ body }: { body: string }) => body,
});
Object.assign(window, { pond, told });
