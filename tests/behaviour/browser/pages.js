// What web pages try against a control plane and a proxy on the machine of whoever looks at them, in a real Chromium.
//
// usage: node pages.js API_PORT ADMIN_PORT
// environment: BACKSTAY_CHROMIUM, the browser; BACKSTAY_PLAYWRIGHT, the folder of the npm package playwright-core
//
// Prints one JSON object. `foreign`: what a page of another site gets for each attempt. `rebound`: what a page gets whose
// name means this machine. `own`: what a page gets that is read from the API itself. An attempt is a status, or `opaque`
// where the browser sent it and keeps the answer from the page, or `failed`.
'use strict';

const http = require('node:http');
const { chromium } = require(process.env.BACKSTAY_PLAYWRIGHT);

const [api, admin] = process.argv.slice(2).map(Number);
const SITE = 'evil.example';
const BACKENDS = '/apis/core.apoxy.dev/v1alpha2/backends';
const HTML = '<!doctype html><title>page</title>';

// Runs in the page: it sees only what it is given.
async function attempt({ kind, url, body }) {
  const bytes = new TextEncoder().encode(body);
  const sent = (init) => fetch(url, init).then(
    async (answer) => (answer.type === 'opaque' ? 'opaque' : { status: answer.status, text: await answer.text() }),
    () => 'failed',
  );
  const post = (body) => sent({ method: 'POST', mode: 'no-cors', body });
  const form = new FormData();
  form.append('object', body);
  switch (kind) {
    case 'bytes': return post(bytes);
    case 'untyped blob': return post(new Blob([bytes]));
    case 'typed blob': return post(new Blob([bytes], { type: 'application/json' }));
    case 'text': return post(body);
    case 'parameters': return post(new URLSearchParams({ object: body }));
    case 'form': return post(form);
    case 'no body': return post(undefined);
    case 'beacon': return navigator.sendBeacon(url, new Blob([bytes])) ? 'opaque' : 'failed';
    case 'form element': {
      const element = document.createElement('form');
      Object.assign(element, { method: 'POST', action: url, enctype: 'text/plain', target: 'answer' });
      const field = document.createElement('input');
      // A form sends NAME=VALUE; the rest of an object takes the equals sign in.
      const end = body.lastIndexOf('}');
      Object.assign(field, { name: `${body.slice(0, end)},"x":"`, value: '"}' });
      element.append(field);
      const frame = Object.assign(document.createElement('iframe'), { name: 'answer' });
      document.body.append(element, frame);
      const loaded = new Promise((resolve) => { frame.onload = resolve; });
      element.submit();
      await loaded;
      return 'opaque';
    }
    case 'json': return sent({ method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    case 'untyped': return sent({ method: 'POST', body: bytes });
    case 'delete': return sent({ method: 'DELETE' });
    case 'read': return sent({});
    case 'unreadable': return sent({ mode: 'no-cors' });
    case 'socket': return new Promise((resolve) => {
      const socket = new WebSocket(url.replace('http:', 'ws:'));
      socket.onopen = () => resolve('open');
      socket.onerror = () => resolve('failed');
    });
    default: throw new Error(`there is no attempt ${kind}`);
  }
}

const WRITES = [
  'bytes', 'untyped blob', 'typed blob', 'text', 'parameters', 'form', 'beacon', 'form element', 'json',
];

function backend(name) {
  const object = { apiVersion: 'core.apoxy.dev/v1alpha2', kind: 'Backend', metadata: { name }, spec: { endpoints: [{ ip: '192.0.2.1' }] } };
  return JSON.stringify(object);
}

// Everything a page tries at `base`, the API, and `control`, the proxy's admin endpoint.
async function everything(page, base, control) {
  const tries = [];
  for (const kind of WRITES) {
    tries.push({ what: `create: ${kind}`, kind, url: base + BACKENDS, body: backend(`by-${kind.replace(/ /g, '-')}`) });
  }
  tries.push(
    { what: 'delete', kind: 'delete', url: `${base}${BACKENDS}/kept`, body: '' },
    { what: 'read secrets', kind: 'read', url: `${base}/api/v1/secrets`, body: '' },
    { what: 'read secrets unseen', kind: 'unreadable', url: `${base}/api/v1/secrets`, body: '' },
    { what: 'read metrics', kind: 'read', url: `${base}/metrics`, body: '' },
    { what: 'watch by socket', kind: 'socket', url: `${base}${BACKENDS}?watch=1`, body: '' },
    { what: 'read dump', kind: 'read', url: `${control}/config_dump`, body: '' },
    { what: 'drain', kind: 'no body', url: `${control}/drain`, body: '' },
    { what: 'drain with bytes', kind: 'bytes', url: `${control}/drain`, body: 'x' },
  );
  const seen = {};
  for (const { what, ...given } of tries) {
    seen[what] = await page.evaluate(attempt, given);
  }
  return seen;
}

async function main() {
  const site = http.createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(HTML);
  });
  await new Promise((resolve) => { site.listen(0, '127.0.0.1', resolve); });
  const browser = await chromium.launch({
    executablePath: process.env.BACKSTAY_CHROMIUM,
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', `--host-resolver-rules=MAP ${SITE} 127.0.0.1`,
    ],
  });
  const seen = {};
  try {
    const page = await browser.newPage();
    for (const host of ['127.0.0.1', 'localhost']) {
      await page.goto(`http://${SITE}:${site.address().port}/`);
      seen[`foreign to ${host}`] = await everything(page, `http://${host}:${api}`, `http://${host}:${admin}`);
    }

    // A page of a name that means this machine: to the browser it is at home there, whatever arrived as its text.
    const ofApi = `http://${SITE}:${api}`;
    const ofAdmin = `http://${SITE}:${admin}`;
    seen['rebound to the API'] = { arrived: (await page.goto(`${ofApi}/healthz`)).status() };
    Object.assign(seen['rebound to the API'], await everything(page, ofApi, ofAdmin));
    const atAdmin = { arrived: (await page.goto(`${ofAdmin}/ready`)).status() };
    for (const [what, kind, path] of [['read dump', 'read', '/config_dump'], ['drain', 'json', '/drain']]) {
      atAdmin[what] = await page.evaluate(attempt, { kind, url: ofAdmin + path, body: '' });
    }
    seen['rebound to the admin endpoint'] = atAdmin;

    const base = `http://127.0.0.1:${api}`;
    const arrived = await page.goto(`${base}/healthz`);
    const own = { arrived: arrived.status() };
    own.read = await page.evaluate(attempt, { kind: 'read', url: `${base}${BACKENDS}/kept`, body: '' });
    own.create = await page.evaluate(attempt, { kind: 'json', url: base + BACKENDS, body: backend('by-own-page') });
    own.untyped = await page.evaluate(attempt, { kind: 'untyped', url: base + BACKENDS, body: backend('by-own-bytes') });
    seen.own = own;
  } finally {
    await browser.close();
    site.close();
  }
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
