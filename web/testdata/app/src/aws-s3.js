import '@uppy/core/css/style.min.css';
import '@uppy/dashboard/css/style.min.css';

const endpoint = new URLSearchParams(location.search).get('endpoint');
const gallery = document.querySelector('#gallery');

// From here on, the recipe of the package's README.
import Uppy from '@uppy/core';
import AwsS3 from '@uppy/aws-s3';
import Dashboard from '@uppy/dashboard';
import { ready } from 'presize';

const uppy = new Uppy({ restrictions: { allowedFileTypes: ['image/*'] } })
  .use(Dashboard, { inline: true, target: '#uploads' })
  .use(AwsS3, {
    shouldUseMultipart: false,
    generateObjectKey: (file) => file.id,
    async signRequest({ key, contentType }) {
      const { size } = uppy.getFile(key);
      const response = await fetch(`${endpoint}/uploads`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ contentType, bytes: size, preset: 'photo' }),
      });
      const grant = await response.json();
      if (!response.ok) throw new Error(grant.detail);
      uppy.setFileMeta(key, { secret: grant.secret }); // to delete the upload later
      return { ...grant.upload, key: grant.id };
    },
  });

uppy.on('upload-success', async (file, { body }) => {
  try {
    const manifest = await ready(body.key, { endpoint });
    gallery.insertAdjacentHTML('beforeend', manifest.picture);
  } catch (error) {
    uppy.info(error.message, 'error'); // why the image was rejected
  }
});

Object.assign(window, { uppy });
