// Builds what the server serves: node build.js. The same sources give the same bytes, and they are committed, so that
// installing the server needs no Node.
import { build, transform } from 'esbuild';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = new URL('./', import.meta.url);
const target = new URL('../consent_server/static/', here);
const words = new URL('src/words/', here);

/** Style sheets become text, each declaration `!important`. */
const css = {
  name: 'css',
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'css', minify: true, target: 'chrome111' });
      return { loader: 'text', contents: code.trim().replace(/([{;][\w-]+:[^{};]+)(?=[;}])/g, '$1!important') };
    });
  },
};

const read = (name) => JSON.parse(readFileSync(new URL(name, words), 'utf8'));

/** One language a file; what the layers need is read from their sources' own list. */
const allWords = () => {
  const { first, details } = read('layers.json');
  const languages = readdirSync(words).filter((name) => name != 'layers.json').sort().map((name) => name.slice(0, -5));
  const all = Object.fromEntries(languages.map((lang) => [lang, read(`${lang}.json`)]));
  for (const [lang, said] of Object.entries(all)) {
    const wanted = [...first, ...details];
    const wrong = [...wanted.filter((key) => !said[key]), ...Object.keys(said).filter((key) => !wanted.includes(key))];
    if (wrong.length) throw Error(`words/${lang}.json: missing or unknown: ${wrong}`);
  }
  return { ...all, first, details };
};

mkdirSync(target, { recursive: true });
for (const [name, placeholder] of [
  ['consent', '"__SITE__"'], ['consent.full', '"__SITE__"'], ['details', '"__DETAILS__"'],
]) {
  const { outputFiles: [{ text }] } = await build({
    absWorkingDir: here.pathname,
    entryPoints: [`src/${name}.js`],
    bundle: true,
    minify: true,
    charset: 'utf8',
    format: 'iife',
    target: 'es2022',
    plugins: [css],
    write: false,
  });
  if (text.split(placeholder).length != 2) throw Error(`${name}.js must say ${placeholder} once`);
  writeFileSync(new URL(`${name}.js`, target), text);
  const brotli = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  console.log(`${name}.js ${text.length} bytes, gzip ${gzipSync(text, { level: 9 }).length}, brotli ${brotli.length}`);
}
writeFileSync(new URL('words.json', target), JSON.stringify(allWords(), null, 1) + '\n');
