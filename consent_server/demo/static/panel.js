// The strip at the top of the demo: what the gate has let run, and what is on this device because of it.

const panel = document.querySelector("[data-panel]");
const words = panel.dataset;
const ran = new Set();
/** @type {string[]} */
const hits = [];
/** @type {Map<string, string>} */
const requests = new Map();

/**
 * @param {string} place
 * @param {string[]} lines
 */
function list(place, lines) {
  const shown = (lines.length ? lines : [words.none]).map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  });
  panel.querySelector(`[data-show="${place}"]`).replaceChildren(...shown);
}

/** @returns {[string, string][]} what this page can see of the device: cookies, then both kinds of storage */
function kept() {
  const cookies = document.cookie.split("; ").filter(Boolean).map((pair) => pair.split(/=(.*)/s, 2));
  try {
    return [...cookies, ...Object.entries(localStorage), ...Object.entries(sessionStorage)];
  } catch {
    return cookies; // storage is blocked
  }
}

/** @param {string} text base64url of JSON */
const decoded = (text) => {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
};

/** @param {string | undefined} cookie the consent cookie */
function readable(cookie) {
  if (!cookie) return words.none;
  try {
    return cookie.startsWith("~")
      ? `${words.waiting}\n${JSON.stringify(decoded(cookie.slice(1)), null, 2)}`
      : `${cookie}\n\n${JSON.stringify(decoded(cookie.split(".")[0]), null, 2)}`;
  } catch {
    return cookie;
  }
}

function show() {
  const { choice } = window.consent ?? {};
  panel.querySelector('[data-show="choice"]').textContent = choice
    ? Object.entries(choice).map(([category, yes]) => `${words[category]}: ${yes ? "✓" : "–"}`).join(", ")
    : words.undecided;
  for (const lamp of panel.querySelectorAll("[data-lamp]")) lamp.toggleAttribute("data-lit", ran.has(lamp.dataset.lamp));
  for (const line of panel.querySelectorAll("[data-run]")) line.textContent = ran.has(line.dataset.run) ? words.ran : words.held;
  const entries = kept();
  list("kept", entries.map(([name, value]) => `${name} = ${value.length > 40 ? `${value.slice(0, 40)}…` : value}`));
  list("hits", hits);
  list("requests", [...requests].map(([address, note]) => address + note));
  panel.querySelector('[data-show="token"]').textContent = readable(entries.find(([name]) => name === "consent")?.[1]);
}

new PerformanceObserver((list) => {
  for (const { detail } of list.getEntriesByName("smartmarket")) {
    ran.add(detail.ran);
    hits.push(detail.ran);
  }
  show();
}).observe({ type: "mark", buffered: true });

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const path = new URL(entry.name).pathname;
    if (!path.includes("/v1/smartmarket/")) continue;
    const cached = entry.transferSize === 0 && entry.decodedBodySize > 0;
    requests.set(path, cached ? ` (${words.fromCache})` : "");
  }
  show();
}).observe({ type: "resource", buffered: true });

for (const event of ["consentready", "consentchange", "click"]) document.addEventListener(event, () => setTimeout(show));
// Cookies change without an event in some browsers; look again while somebody is looking.
setInterval(() => panel.open && show(), 1000);
show();
