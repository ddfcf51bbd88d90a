// Runs in each frame before any script of the page, and notes what the page puts on the device and who did it.
(() => {
  const note = window.consentAuditNote;
  if (!note) return;
  const tell = (kind, name) => {
    try { note(kind, String(name), String(new Error().stack)); } catch {}
  };
  const wrap = (prototype, name, kind, say = (args) => args[0]) => {
    const own = prototype && prototype[name];
    if (own) prototype[name] = { [name](...args) { tell(kind, say(args)); return own.apply(this, args); } }[name];
  };
  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
  Object.defineProperty(Document.prototype, 'cookie', {
    ...cookie,
    set(line) { tell('cookie', line); cookie.set.call(this, line); },
  });
  wrap(window.CookieStore?.prototype, 'set', 'cookie', ([first, value]) =>
    typeof first == 'string' ? `${first}=${value}` : `${first?.name}=${first?.value};${first?.domain ? 'Domain=' + first.domain : ''}`);
  wrap(window.IDBFactory?.prototype, 'open', 'indexed-db');
  wrap(window.CacheStorage?.prototype, 'open', 'cache-storage');
  wrap(window.ServiceWorkerContainer?.prototype, 'register', 'service-worker', ([url]) => new URL(url, document.baseURI));
  const setItem = Storage.prototype.setItem;
  Storage.prototype.setItem = { setItem(...args) {
    let kind = 'session-storage';
    try { if (this === localStorage) kind = 'local-storage'; } catch {}
    tell(kind, args[0]);
    return setItem.apply(this, args);
  } }.setItem;
  new MutationObserver((records) => {
    for (const { addedNodes, target } of records) {
      for (const node of [target, ...addedNodes]) {
        for (const link of node.nodeType == 1 ? [node, ...node.querySelectorAll('link')] : []) {
          if (link.localName == 'link' && /\b(preconnect|dns-prefetch)\b/i.test(link.rel) && link.href) tell('preconnect', link.href);
        }
      }
    }
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ['rel', 'href'] });
})();
