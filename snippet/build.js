// Builds what the server serves: node build.js. The same sources give the same bytes, and they are committed, so that
// installing the server needs no Node.
import { build, transform } from 'esbuild';
import { minify } from 'terser';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = new URL('./', import.meta.url);
const target = new URL('../consent_server/banner/static/', here);
const words = new URL('src/words/', here);

/** @returns the style sheet as one line; addStyle makes each declaration `!important` */
const style = async (path) => {
  const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'css', minify: true, target: 'chrome111' });
  return code.trim().replace(/(?<=[{;][\w-]+:) /g, '');
};

const read = (name) => JSON.parse(readFileSync(new URL(name, words), 'utf8'));
const LAYERS = read('layers.json');

const minifiedStyle = {
  name: 'minified style',
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => ({ loader: 'text', contents: await style(path) }));
  },
};

/** One language a file; what the layers need is read from their sources' own list. */
const allWords = () => {
  const languages = readdirSync(words).filter((name) => name != 'layers.json').sort().map((name) => name.slice(0, -5));
  const all = Object.fromEntries(languages.map((lang) => [lang, read(`${lang}.json`)]));
  const wanted = Object.values(LAYERS).flat();
  for (const [lang, said] of Object.entries(all)) {
    const wrong = [...wanted.filter((key) => !said[key]), ...Object.keys(said).filter((key) => !wanted.includes(key))];
    if (wrong.length) throw Error(`words/${lang}.json: missing or unknown: ${wrong}`);
  }
  return { ...all, ...LAYERS };
};

mkdirSync(target, { recursive: true });
const ALONE = /^(consent|testing|watching|account)/;
/**
 * What the page's scripts declare, `let history` or `class URL`, hides what the browser has of that name from all scripts, but
 * not the window's own; see natives.js. What starts with the page, and has to be small, says `window` itself where it matters.
 */
const HIDDEN = Object.fromEntries(`
  AbortController AbortSignal addEventListener Blob console crypto CSSStyleSheet fetch getComputedStyle history indexedDB innerHeight
  IntersectionObserver localStorage MediaStream MessageChannel MutationObserver navigator performance PerformanceObserver queueMicrotask
  Reflect removeEventListener requestAnimationFrame requestIdleCallback ResizeObserver sessionStorage WeakRef
`.trim().split(/\s+/).map((name) => [name, `window.${name}`]));
for (const [name, placeholder] of [
  ['consent', '__SITE__'], ['consent.full', '__SITE__'], ['watching', '__WATCHING__'], ['testing', '__TESTING__'], ['account', '__ACCOUNT__'],
  ['details', '__DETAILS__'], ['mine', '__MINE__'], ['proof', '__PROOF__'], ['release', ''],
  ['delivery', ''], ['withdraw', '__WITHDRAW__'], ['list', '__LIST__'], ['watch', '__WATCH__'],
  // Of shops with rules by place: the same sources, with what no other shop has.
  ['consent.rules', '__SITE__'], ['details.rules', '__DETAILS__'], ['mine.rules', '__MINE__'],
  ['withdraw.rules', '__WITHDRAW__'], ['list.rules', '__LIST__'],
]) {
  const { outputFiles: [{ text: bundled }] } = await build({
    absWorkingDir: here.pathname,
    entryPoints: [`src/${ALONE.test(name) ? name : name.replace('.rules', '')}.js`],
    bundle: true,
    minifySyntax: true,
    charset: 'utf8',
    format: ALONE.test(name) ? 'iife' : 'esm',
    target: 'es2022',
    define: { ...ALONE.test(name) ? {} : HIDDEN, __RULES__: `${name.endsWith('.rules')}` },
    inject: ALONE.test(name) ? [] : ['src/natives.js'],
    plugins: [minifiedStyle],
    write: false,
  });
  const { code = '' } = await minify(bundled, {
    ecma: 2020,
    toplevel: true,
    module: !ALONE.test(name),
    compress: { passes: 4, unsafe_arrows: true, unsafe_methods: true, keep_fargs: false, pure_getters: true },
  });
  // Nearly all of these run while the page loads: Chromium is told to compile them at once, not each when it is first called.
  const text = (name.startsWith('consent') ? '//# allFunctionsCalledOnLoad\n' : '') + code.replace(/(?<!\w)\(0,(window\.\w+)\)\(/g, '$1(');
  if (placeholder && text.split(placeholder).length != 2) throw Error(`${name}.js must say ${placeholder} once`);
  writeFileSync(new URL(`${name}.js`, target), text);
  const brotli = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  console.log(`${name}.js ${text.length} bytes, gzip ${gzipSync(text, { level: 9 }).length}, brotli ${brotli.length}`);
}
/** Each bridge is an expression by itself, so that a shop has those that it names, and no other. */
const bridge = async (name) => {
  const { outputFiles: [{ text: bundled }] } = await build({
    absWorkingDir: here.pathname, entryPoints: [`src/bridges/${name}.js`], bundle: true, charset: 'utf8', format: 'esm', target: 'es2022', write: false,
  });
  const body = bundled.replace(/export \{\s*(\w+) as default\s*\};/, 'return $1;');
  const { code } = await minify(body, {
    ecma: 2020, parse: { bare_returns: true }, toplevel: true, compress: { passes: 4, unsafe_arrows: true, pure_getters: true },
  });
  if (code.includes('<')) throw Error(`bridges/${name}.js cannot stand inline in a page`);
  return [name, `(()=>{${code}})()`];
};
const bridges = readdirSync(new URL('src/bridges/', here)).filter((name) => name != 'teller.js').sort();
const bridged = await Promise.all(bridges.map((name) => bridge(name.slice(0, -3))));
writeFileSync(new URL('bridges.json', target), JSON.stringify(Object.fromEntries(bridged), null, 1) + '\n');

copyFileSync(new URL('consent.d.ts', here), new URL('consent.d.ts', target));
writeFileSync(new URL('words.json', target), JSON.stringify(allWords(), null, 1) + '\n');

const layouts = new URL('src/layouts/', here);
const styles = await Promise.all(readdirSync(layouts).sort().map(async (name) =>
  [name.slice(0, -4), await style(new URL(name, layouts))]));
writeFileSync(new URL('layouts.json', target), JSON.stringify(Object.fromEntries(styles), null, 1) + '\n');
