import { useEffect, useRef } from 'react';
import type { Manifest } from 'presize';
import { Picture, useUpload } from 'presize/react';

/** Uploads photos and shows them. */
export function Photos({ endpoint, onReady }: { endpoint?: string | undefined; onReady?: (manifest: Manifest) => void }) {
  const shown = useRef<HTMLImageElement>(null);
  useEffect(() => { Object.assign(window, { shown }); }, []); // for the test
  const { uploads, progress, add, retry, remove } = useUpload({ endpoint, preset: 'photo', onReady });
  return (
    <form>
      <input type="file" accept="image/*" multiple onChange={(event) => add(event.target.files)} />
      <output>{`${progress.done} of ${progress.files}`}</output>
      <ul>
        {uploads.map(({ key, file, status, progress: sent, preview, manifest, error }) => (
          <li key={key} data-status={status}>
            {manifest && <Picture ref={shown} manifest={manifest} alt={file.name} sizes="20rem" />}
            {!manifest && preview && <img src={preview} alt="" width={64} />}
            {!manifest && !error && <progress value={sent} />}
            {error && <p>{error.message}</p>}
            {error?.retryable && <button type="button" onClick={() => retry(key)}>Try again</button>}
            <button type="button" onClick={() => remove(key)}>Remove {file.name}</button>
          </li>
        ))}
      </ul>
    </form>
  );
}
