/**
 * @typedef {object} Snippet
 * @property {string} client  its name
 * @property {string} about   one sentence, for those who have not used it
 * @property {string} code
 */

/**
 * Returns the code that uploads a photo, for each client.
 *
 * @param {{origin: string, preset: string}} service  the URL of the service, and the preset to use
 * @returns {Snippet[]}
 */
export function snippets({ origin, preset }) {
  return [
    {
      client: 'JavaScript',
      about: 'With the npm package presize, which "make package" writes to dist/. Or copy presize.js and the files that it imports.',
      code: `\
import { complete, upload } from 'presize';

const manifest = await upload(input.files[0], {
  endpoint: '${origin}/api/v1',
  preset: '${preset}',
  onProgress: ({ phase, loaded, total }) => console.log(phase, loaded, total),
});
gallery.insertAdjacentHTML('beforeend', manifest.picture); // WebP and JPEG

const all = await complete(manifest.id, { endpoint: '${origin}/api/v1' }); // and AVIF`,
    },
    {
      client: 'React',
      about: 'With the npm package presize. For React 18 and later.',
      code: `\
import { Picture, useUpload } from 'presize/react';

export function Photos() {
  const { uploads, add, remove } = useUpload({ endpoint: '${origin}/api/v1', preset: '${preset}' });
  return (
    <>
      <input type="file" accept="image/*" multiple onChange={(event) => add(event.target.files)} />
      {uploads.map(({ key, file, progress, manifest, error }) => (
        <figure key={key}>
          {manifest ? <Picture manifest={manifest} alt={file.name} /> : <progress value={progress} />}
          <figcaption>{error?.message} <button onClick={() => remove(key)}>Remove</button></figcaption>
        </figure>
      ))}
    </>
  );
}`,
    },
    {
      client: 'Uppy',
      about: 'With the npm packages presize, @uppy/core and @uppy/dashboard. For Uppy 5 and 6.',
      code: `\
import Uppy from '@uppy/core';
import Dashboard from '@uppy/dashboard';
import '@uppy/core/css/style.min.css';
import '@uppy/dashboard/css/style.min.css';
import Presize from 'presize/uppy';

const uppy = new Uppy({ restrictions: { allowedFileTypes: ['image/*'] } })
  .use(Dashboard, { inline: true, target: '#uploads' })
  .use(Presize, { endpoint: '${origin}/api/v1', preset: '${preset}' });

uppy.on('upload-success', (file, { body }) => console.log(body)); // the manifest`,
    },
    {
      client: 'FilePond',
      about: 'With the npm packages presize and filepond.',
      code: `\
import * as FilePond from 'filepond';
import 'filepond/dist/filepond.min.css';
import { server } from 'presize/filepond';

FilePond.create(document.querySelector('input[type=file]'), {
  server: server({
    endpoint: '${origin}/api/v1',
    preset: '${preset}',
    onReady: (manifest, { secret }) => console.log(manifest),
  }),
  labelFileProcessingError: ({ body }) => body, // why a file was rejected
});`,
    },
    {
      client: 'Go',
      about: 'go get github.com/presize/presize',
      code: `\
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/presize/presize/api/client"
)

func main() {
	service, err := client.New("${origin}", client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	upload := client.NewUpload() // keep upload.Secret to delete the upload later
	manifest, err := service.UploadFile(context.Background(), upload, "photo.jpg", client.Settings{Preset: "${preset}"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(manifest.Picture)
}`,
    },
    {
      client: 'Command line',
      about: 'go install github.com/presize/presize/deploy/presize@main',
      code: `\
id=$(presize upload --endpoint ${origin} --preset ${preset} photo.jpg | cut -d' ' -f1)
presize delete --endpoint ${origin} "$id"

# Whole folders, and a manifest for each file
presize upload --endpoint ${origin} --preset ${preset} --wait complete --json photos/`,
    },
    {
      client: 'curl',
      about: 'A grant, the file, and its status. The headers are those of the grant.',
      code: `\
grant=$(curl -sS --fail '${origin}/api/v1/uploads' -H 'Content-Type: application/json' \\
  -d "{\\"contentType\\":\\"image/jpeg\\",\\"bytes\\":$(wc -c <photo.jpg),\\"preset\\":\\"${preset}\\"}")

curl -sS --fail -T photo.jpg "$(grep -o '"url":"http[^"]*' <<<"$grant" | cut -d'"' -f4)" \\
  -H 'Content-Type: image/jpeg' -H 'If-None-Match: *' -H 'X-Amz-Meta-Preset: ${preset}'

until curl -sS --fail -H 'Prefer: wait=20' "${origin}$(grep -o '"statusUrl":"[^"]*' <<<"$grant" | cut -d'"' -f4)" |
  grep '"status":"ready"'; do sleep 1; done`,
    },
  ];
}
