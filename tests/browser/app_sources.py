"""What the apps are made of in which the package is tried, beside the examples of its documentation."""

from __future__ import annotations

STRICT = {
    "strict": True,
    "module": "nodenext",
    "exactOptionalPropertyTypes": True,
    "noUncheckedIndexedAccess": True,
    "noEmit": True,
    "target": "es2022",
    "lib": ["es2022", "dom", "dom.iterable"],
    "jsx": "react-jsx",
    "types": [],
}
USES = """
import { useConsent as inVue, createConsent } from 'consent-server/vue';
import { useConsent as inSvelte } from 'consent-server/svelte';
import { useConsent as inReact } from 'consent-server/react';
import { verify, type Payload } from 'consent-server/verify';
import type { Category, Choice, Consent } from 'consent-server';

export const vue: { readonly value: boolean } = inVue(() => 'analytics');
export const plugin: { install(): void } = createConsent({ server: '/consent', site: 'shop' });
export const stop: () => void = inSvelte('marketing').subscribe((allowed: boolean) => allowed);
export const answer = (): Readonly<Choice> | null => inReact();
export const payload: Promise<Payload> = verify('', { keys: [] }, { site: 'shop' });
export const none: Promise<Payload> = verify(undefined, { keys: [] }, { site: 'shop', revision: 2 });
export const all = (consent: Consent, category: Category): boolean => window.consent == consent && consent.allows(category);
// @ts-expect-error there is no such category
inReact('advertising');
// @ts-expect-error it is asked of a category
export const nothing = window.consent.allows();
"""


COMPILES = """
import ts from 'typescript';
const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
const { options, fileNames, errors } = ts.parseJsonConfigFileContent(config, ts.sys, '.');
const program = ts.createProgram(fileNames, options);
const ours = program.getSourceFiles().filter(({ fileName }) => !/\\/node_modules\\/(?!consent-server\\/)/.test(fileName));
if (!ours.some(({ fileName }) => fileName.includes('/node_modules/consent-server/'))) throw Error('the package is not found');
const found = [...errors, ...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
for (const each of ours) found.push(...program.getSyntacticDiagnostics(each), ...program.getSemanticDiagnostics(each));
console.log(ts.formatDiagnostics(found, { ...ts.sys, getNewLine: () => '\\n', getCanonicalFileName: (name) => name }).trim());
"""
"""Compiles as `tsc -p .` does, and says what is wrong with sources and package: Vue's own types are most of the work."""


OUTSIDE = """
import { useConsent } from 'consent-server/vue';
const document = globalThis.document = new EventTarget();
globalThis.window = globalThis;
const counted = useConsent('analytics');
const said = [counted.value];
globalThis.consent = { choice: { analytics: true }, allows: () => true };
document.dispatchEvent(new Event('consentchange'));
said.push(counted.value);
delete globalThis.document;
said.push(useConsent('analytics').value);
console.log(JSON.stringify(said));
"""


LOADS = """
import { loadConsent } from 'consent-server';
const load = () => Promise.race([
  loadConsent({ server: '/', site: 'shop' }).then(({ choice }) => `${choice}`, String),
  new Promise((resolve) => setTimeout(resolve, 9000, 'nothing came of it')),
]);
Object.assign(window, { load, first: load() });
"""


PLACED = """
import { loadConsent, type Where } from 'consent-server';
const where: Where = { server: '/', site: 'shop', place: new URLSearchParams(location.search).get('place') ?? undefined };
void loadConsent(where).then((consent) => { document.title = String(consent.allows('analytics')); });
"""
PLACED_BY_REACT = """
import { createRoot } from 'react-dom/client';
import { ConsentProvider } from 'consent-server/react';
createRoot(document.getElementById('root')!).render(<ConsentProvider server="/" site="shop" place="GB" />);
"""


REACT_SERVER = """
import { renderToString } from 'react-dom/server';
import { App } from './App';
process.stdout.write(renderToString(<App />));
"""
REACT_CLIENT = """
import { hydrateRoot } from 'react-dom/client';
import { App } from './App';
const recovered: string[] = [];
const root = document.getElementById('root')!;
Object.assign(window, { recovered, drawn: root.firstElementChild });
hydrateRoot(root, <App />, { onRecoverableError: (error) => recovered.push(String(error)) });
"""
REACT_APP = """
import { StrictMode } from 'react';
import { ConsentProvider } from 'consent-server/react';
import { Shop } from './Shop';
export const App = () => (
  <StrictMode><ConsentProvider server="https://consent.shop.example" site="shop"><Shop /></ConsentProvider></StrictMode>
);
"""


VUE_SERVER = """
import { createSSRApp } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { createConsent } from 'consent-server/vue';
import Shop from './Shop.vue';
const app = createSSRApp(Shop).use(createConsent({ server: 'https://consent.shop.example', site: 'shop' }));
process.stdout.write(await renderToString(app));
"""


SVELTE_MAIN = """
import { {how} } from 'svelte';
import Shop from './Shop.svelte';
{how}(Shop, { target: document.getElementById('root') });
"""
SVELTE_SERVER = """
import { render } from 'svelte/server';
import Shop from './Shop.svelte';
process.stdout.write(render(Shop).body);
"""


WORKER = """
import worker from './worker.js';
const [CONSENT_SERVER, cookie] = process.argv.slice(1);
const asked = new Request('https://shop.example/', { headers: { Cookie: `a=b; consent=${cookie}` } });
console.log(await (await worker.fetch(asked, { CONSENT_SERVER })).text());
"""


LATER = """
import { once } from 'node:events';
import { createServer } from 'node:net';
import worker from './worker.js';
const [CONSENT_SERVER, cookie] = process.argv.slice(1);
const asked = () => new Request('https://shop.example/', { headers: { Cookie: `consent=${cookie}` } });
const say = async (CONSENT_SERVER) => console.log(await (await worker.fetch(asked(), { CONSENT_SERVER })).text());
const away = 'http://127.0.0.1:9';
const silent = createServer().listen(0, '127.0.0.1');
await once(silent, 'listening');
await say(away);
const { now } = Date;
for (const [minutes, server] of [[0, CONSENT_SERVER], [6, away], [12, `${CONSENT_SERVER}/nowhere`],
  [18, `http://127.0.0.1:${silent.address().port}`]]) {
  Date.now = () => now() + minutes * 60_000;
  await say(server);
}
process.exit();
"""


SILENT = """
import { createServer } from 'node:net';
import { once } from 'node:events';
import worker from './worker.js';
const [CONSENT_SERVER, cookie] = process.argv.slice(1);
let knocked = 0;
const fetched = globalThis.fetch;
globalThis.fetch = (...asked) => { knocked += 1; return fetched(...asked); };
const silent = createServer().listen(0, '127.0.0.1');
await once(silent, 'listening');
const asked = () => new Request('https://shop.example/', { headers: { Cookie: `consent=${cookie}` } });
const answer = async (CONSENT_SERVER) => (await (await worker.fetch(asked(), { CONSENT_SERVER })).json()).analytics;
const said = [];
for (let n = 0; n < 3; n += 1) said.push(await answer(`http://127.0.0.1:${silent.address().port}`));
const { now } = Date;
Date.now = () => now() + 6000;
said.push(await answer(CONSENT_SERVER));
console.log(JSON.stringify({ said, knocked }));
process.exit();
"""
