/** Answers for the server while it is away, so that the page can be opened again and its rows be read. */
self.addEventListener('install', () => void self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  if (event.request.method === 'GET') event.respondWith(answer(event.request));
});

async function answer(request) {
  // Rows are kept under the token with which they were asked for: a port may come to serve another review.
  const cache = await caches.open(request.headers.get('authorization') ?? 'page');
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreVary: true });
    if (!kept) throw error;
    const headers = new Headers(kept.headers);
    headers.set('x-kept', 'yes');
    return new Response(kept.body, { status: kept.status, headers });
  }
}
