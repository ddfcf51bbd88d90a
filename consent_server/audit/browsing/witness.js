// Runs in each frame before any script of the page, and notes what the page puts on the device and who did it.
(() => {
  const note = window.consentAuditNote;
  const { now } = Date; // a page may put another clock in its place
  if (!note) return;
  const tell = (kind, name) => {
    try { note({ kind, name: String(name), stack: String(new Error().stack), frame: location.href, origin: self.origin, at: now() / 1000 }); } catch {}
  };
  const before = (prototype, method, look) => {
    const own = prototype && prototype[method];
    if (own) prototype[method] = { [method](...args) { try { look.call(this, ...args); } catch {} return own.apply(this, args); } }[method];
  };

  const isElsewhere = (line) => {
    const [, path = ''] = /.*;\s*path\s*=\s*([^;]*)/i.exec(line) ?? [];
    const [, domain = ''] = /.*;\s*domain\s*=\s*\.?([^;\s]*)/i.exec(line) ?? [];
    return path[0] == '/' && `.${location.hostname}`.endsWith(domain && '.' + domain.toLowerCase())
      && !`${location.pathname}/`.startsWith(path.trim().replace(/\/?$/, '/'));
  };
  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
  Object.defineProperty(Document.prototype, 'cookie', {
    ...cookie,
    set(line) {
      cookie.set.call(this, line);
      const [name] = String(line).split('=');
      // A line that the browser refused is nobody's cookie, except in a frame: there it was an attempt. One for another
      // path is kept, and cannot be seen from here.
      if (window != top || isElsewhere(String(line)) || `; ${cookie.get.call(this)}`.includes(`; ${name.trim()}=`)) tell('cookie', line);
    },
  });
  before(window.CookieStore?.prototype, 'set', (first, value) => {
    const { name = first, domain = '', expires } = Object(first);
    tell('cookie', `${name}=${domain && `; Domain=${domain}`}${expires ? `; Expires=${new Date(expires).toUTCString()}` : ''}`);
  });
  before(Storage.prototype, 'setItem', function (name) {
    let kind = 'session-storage';
    try { if (this == localStorage) kind = 'local-storage'; } catch {}
    tell(kind, name);
  });
  before(window.IDBFactory?.prototype, 'open', (name) => tell('indexed-db', name));
  before(window.CacheStorage?.prototype, 'open', (name) => tell('cache-storage', name));
  before(window.ServiceWorkerContainer?.prototype, 'register', (url) => tell('service-worker', new URL(url, document.baseURI)));

  // What asks out of sight of the page's session.
  const asks = (url) => tell('request', new URL(url, document.baseURI));
  before(window, 'fetchLater', (request) => asks(request.url ?? request));
  before(window.Worklet?.prototype, 'addModule', asks);
  before(window.CredentialsContainer?.prototype, 'get', ({ identity }) => identity.providers.forEach(({ configURL }) => asks(configURL)));
  const servers = ({ iceServers = [] } = {}) => iceServers.flatMap(({ urls }) => urls).map((url) => url.replace(/:(?!\/)/, '://'));
  before(window.RTCPeerConnection?.prototype, 'setConfiguration', (given) => servers(given).forEach(asks));
  for (const [name, addresses] of [
    ['WebTransport', (url) => [url]],
    ['RTCPeerConnection', servers],
    ['webkitRTCPeerConnection', servers],
  ]) {
    const own = window[name];
    if (own) {
      window[name] = new Proxy(own, {
        construct(target, args, self) {
          try { addresses(...args).forEach(asks); } catch {}
          return Reflect.construct(target, args, self);
        },
      });
    }
  }

  // Who opens a window is told before there is one.
  const opens = (url) => tell('opens', new URL(url, document.baseURI));
  const sends = function () { opens(this.action); };
  before(window, 'open', opens);
  before(HTMLFormElement.prototype, 'submit', sends);
  before(HTMLFormElement.prototype, 'requestSubmit', sends);
  before(HTMLElement.prototype, 'click', function () { opens(this.href ?? this.form.action); });

  if (window == top) addEventListener('click', ({ isTrusted }) => isTrusted && tell('click', ''), true);

  const consent = (item) => {
    try { if (item[0] == 'consent') tell('consent-call', JSON.stringify([...item])); } catch {}
  };
  const heard = new WeakSet();
  const listen = (items) => {
    if (!Array.isArray(items) || heard.has(items)) return;
    heard.add(items);
    const { push } = items;
    items.forEach(consent);
    items.push = (...more) => { more.forEach(consent); return push.apply(items, more); };
  };
  let layer;
  Object.defineProperty(window, 'dataLayer', {
    configurable: true,
    enumerable: true,
    get: () => layer,
    set(items) {
      listen(items);
      layer = items;
    },
  });
  // Ours and other tools put a setter of their own in place of that, through which a page begins the list anew.
  for (const holder of [Object, Reflect]) {
    const own = holder.defineProperty;
    holder.defineProperty = {
      defineProperty(target, name, given) {
        let wanted = given;
        try {
          if (target == window && name == 'dataLayer') {
            listen(given.value);
            if (given.set) wanted = { ...given, set(items) { listen(items); given.set.call(this, items); } };
          }
        } catch {}
        return own(target, name, wanted);
      },
    }.defineProperty;
  }

  // What a script adds later may stand before it: what came first is told by when it came.
  const came = new WeakMap();
  const after = new WeakSet(); // the page had loaded
  const gone = new Map();
  let scripts = 0;
  Object.defineProperty(window, 'consentAuditCame', { value: (script) => came.get(script) ?? Infinity });
  Object.defineProperty(window, 'consentAuditIsAfter', { value: (script) => after.has(script) });
  Object.defineProperty(window, 'consentAuditGone', { value: () => [...gone.values()] });
  const scriptsIn = (node) => node.localName == 'script' ? [node] : node.querySelectorAll?.('script') ?? [];

  new MutationObserver((records) => {
    for (const { addedNodes, removedNodes, target } of records) {
      for (const node of removedNodes) {
        for (const script of scriptsIn(node)) if (/\/v1\/[^/]+\/consent\.js(\?|$)/.test(script.src)) gone.set(script.src, script);
      }
      for (const node of addedNodes) {
        for (const script of scriptsIn(node)) {
          if (!came.has(script)) {
            came.set(script, scripts++);
            if (document.readyState == 'complete') after.add(script);
          }
          const [, name] = /[?&]id=(?:G|GT|GTM|AW|DC)-.*[?&]l=([\w$]+)/.exec(script.src) ?? [];
          if (name) listen(window[name]); // the data layer has another name
        }
      }
      for (const node of [target, ...addedNodes]) {
        for (const link of node.nodeType == 1 ? [node, ...node.querySelectorAll('link')] : []) {
          if (link.localName == 'link' && /\b(preconnect|dns-prefetch)\b/i.test(link.rel) && link.href) tell('preconnect', link.href);
        }
      }
    }
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ['rel', 'href'] });
})();
