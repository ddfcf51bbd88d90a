// Writes the table of companies by host that an audit suggests names from, out of the third-party-web package.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';

const PACKAGE = new URL('node_modules/third-party-web/', import.meta.url);
const TO = new URL('../consent_server/audit/drafting/companies', import.meta.url);

const entities = JSON.parse(readFileSync(new URL('dist/entities-nostats.json', PACKAGE), 'utf8'));
const lines = entities.flatMap(({ name, company, domains }) =>
  domains.map((domain) => `${domain}\t${name}\t${company && company != name ? company : ''}`.trimEnd()));
writeFileSync(`${TO.pathname}.tsv`, [...new Set(lines)].sort().join('\n') + '\n');
copyFileSync(new URL('LICENSE', PACKAGE), `${TO.pathname}.LICENSE`);
