// The CDN's function for the site: all paths but the API and the images. If the path can't be a file of the site,
// it answers 404 with a page for people. An error page of the distribution would also replace the API's problem
// documents.

const PAGE = '<!doctype html>\n<html lang="en">\n<head>\n'
  + '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
  + '<title>There is nothing here: presize</title>\n'
  + '<link rel="icon" href="/icon.svg" type="image/svg+xml">\n<link rel="stylesheet" href="/style.css">\n'
  + '</head>\n<body>\n<header class="film">\n'
  + '<div class="rebate"><p class="brand"><img src="/icon.svg" width="28" height="28" alt="">presize</p></div>\n'
  + '<div class="leader"><div class="pitch">\n<h1>There is nothing here.</h1>\n'
  + '<p>The address may be mistyped, or what it led to is gone. <a href="/">Upload a photo</a> instead?</p>\n'
  + '</div></div>\n</header>\n</body>\n</html>\n';

function handler(event) {
  const uri = event.request.uri;
  if (uri === '/' || /^\/[a-z-]+\.(css|html|js|svg)$/.test(uri)) return event.request;
  return {
    statusCode: 404,
    statusDescription: 'Not Found',
    headers: { 'content-type': { value: 'text/html; charset=utf-8' } },
    body: { encoding: 'text', data: PAGE },
  };
}
