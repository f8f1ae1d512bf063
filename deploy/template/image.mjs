// The CDN's function for /i/{id}/{rev}/{name} and below /p/, one URL for every browser: it adds the extension of the best
// format that the Accept header names. It runs before the cache is asked: on AWS in CloudFront's runtime
// cloudfront-js-2.0, in the local stack in goja. Any other path stays as it is.

const FALLBACK = { type: 'image/jpeg', extension: '.jpg' };
// Of formats that are equally welcome the last one wins.
const FORMATS = [
  { type: 'image/webp', extension: '.webp' },
  { type: 'image/avif', extension: '.avif' },
];

function handler(event) {
  const request = event.request;
  if (/^\/[ip]\/[a-z2-7]{26}\/[0-9a-f]{8}\/[0-9]+$/.test(request.uri)) {
    request.uri += choose(weights(request.headers.accept)).extension;
  }
  return request;
}

// A browser that can show AVIF or WebP says so by name, while old ones and tools accept */*: so a wildcard only
// speaks for JPEG. JPEG is also what those get who accept nothing that there is.
function choose(accepted) {
  const closest = [FALLBACK.type, 'image/*', '*/*'].filter((range) => range in accepted)[0];
  let best = FALLBACK;
  let most = accepted[closest] || 0;
  FORMATS.forEach((format) => {
    if (accepted[format.type] > 0 && accepted[format.type] >= most) {
      best = format;
      most = accepted[format.type];
    }
  });
  return best;
}

// Returns the weight of each media range of an Accept header (RFC 9110 section 12.5.1), 0 for "not acceptable".
// The header may have come in several lines.
function weights(header) {
  const found = {};
  if (!header) return found;
  const lines = header.multiValue ? header.multiValue.map((line) => line.value) : [header.value];
  lines.join(',').toLowerCase()
    .replace(/"(\\.|[^"\\])*"/g, '') // a quoted parameter may hold any separator
    .split(',')
    .forEach((range) => {
      const parts = range.split(';').map((part) => part.trim());
      found[parts[0]] = weight(parts.slice(1));
    });
  return found;
}

function weight(parameters) {
  const q = parameters.filter((parameter) => parameter.indexOf('q=') === 0)[0];
  if (q === undefined) return 1;
  const value = Number(q.slice(2));
  return value <= 1 ? value : 0; // what is no weight is no wish
}
