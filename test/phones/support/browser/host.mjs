// Run inside a namespace: serves the page to a headless Chromium; lines of stdin go to the page, what it tells comes out as lines.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const [script, profile] = process.argv.slice(2);
let commands;
const held = [];
const send = (line) => (commands === undefined ? held.push(line) : commands.write(`data: ${line}\n\n`));

const server = createServer((request, response) => {
  switch (request.url) {
    case '/':
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><script src="/script.js"></script>');
      break;
    case '/script.js':
      response.setHeader('content-type', 'text/javascript');
      response.end(readFileSync(script));
      break;
    case '/commands':
      response.setHeader('content-type', 'text/event-stream');
      commands = response;
      for (const line of held.splice(0)) send(line);
      break;
    case '/told':
      request.on('data', (told) => process.stdout.write(`${told}\n`)).on('end', () => response.end());
      break;
    default:
      response.writeHead(404).end();
  }
});
createInterface({ input: process.stdin }).on('line', send);
server.listen(0, '127.0.0.1', () => {
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-breakpad',
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    // There is nothing but the loopback device here.
    '--allow-loopback-in-peer-connection',
    '--disable-features=WebRtcHideLocalIpsWithMdns',
    // The certificate is the test's own; what is shown is the phone, not the browser's list of authorities.
    '--ignore-certificate-errors',
    `--user-data-dir=${profile}`,
  ];
  const page = `http://127.0.0.1:${server.address().port}/`;
  // The browser ends with this program, however that ends.
  const browser = spawn('setpriv', ['--pdeathsig', 'KILL', 'chromium', ...flags, page], {
    stdio: 'ignore',
  });
  browser.on('exit', () => process.exit(1));
});
