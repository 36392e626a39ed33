// Runs in every frame before its own scripts. Pages that look whether the browser can do these things find that it cannot.
(() => {
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel', 'WebTransport', 'SharedWorker', 'Notification']) {
    delete window[name];
  }
  try { delete Navigator.prototype.serviceWorker; } catch {}
  // There is nothing behind a page to go back to.
  const never = new Promise(() => {});
  for (const name of ['back', 'forward', 'go']) History.prototype[name] = () => {};
  for (const name of ['back', 'forward', 'traverseTo']) try { Navigation.prototype[name] = () => ({committed: never, finished: never}); } catch {}

  // What may change the page in a moment without a request that could be seen: timers that are due, and other ways to have
  // something run later. soon(ms) says whether there is any. A page that plays tricks with this is looked at sooner or later, no more.
  const clock = performance.now.bind(performance), timers = new Map();
  let until = 0, lasting = false;
  for (const [set, clear, again] of [['setTimeout', 'clearTimeout', false], ['setInterval', 'clearInterval', true]]) {
    const start = window[set], stop = window[clear];
    window[set] = {[set](f, ms, ...args) {
      const id = start.call(window, f, ms, ...args);
      timers.set(id, {at: clock(), ms: Math.max(0, +ms || 0), again});
      if (timers.size > 10000) soon(0);
      return id;
    }}[set];
    window[clear] = {[clear](id) { timers.delete(id); stop.call(window, id); }}[clear];
  }
  const soon = ms => {
    const now = clock();
    for (const [id, t] of timers) {
      const left = t.again ? t.ms - (now - t.at) % Math.max(t.ms, 1) : t.at + t.ms - now;
      if (left < -100) timers.delete(id);
      else if (left <= ms) return true;
    }
    return lasting || until > now;
  };
  Object.defineProperty(window, Symbol.for('legwork.soon'), {value: soon});
  const wrap = (owner, names, note) => {
    for (const name of names) {
      const own = owner && owner[name];
      if (typeof own !== 'function') continue;
      try { owner[name] = new Proxy(own, {apply(f, self, args) { note(); return Reflect.apply(f, self, args); },
        construct(f, args, target) { note(); return Reflect.construct(f, args, target); }}); } catch {}
    }
  };
  // These run something by and by, and are called again if that is to go on;
  wrap(window, ['requestAnimationFrame', 'requestIdleCallback', 'postMessage', 'createImageBitmap'], () => { until = clock() + 200; });
  if (window.MessagePort) wrap(MessagePort.prototype, ['postMessage'], () => { until = clock() + 200; });
  // these take as long as they like.
  wrap(window, ['Worker', 'WebSocket', 'EventSource', 'BroadcastChannel', 'FontFace'], () => { lasting = true; });
  for (const [owner, names] of [['SubtleCrypto', null], ['IDBFactory', null], ['CacheStorage', null], ['LockManager', ['request']],
    ['Scheduler', null], ['StorageManager', null]]) {
    const proto = window[owner] && window[owner].prototype;
    if (proto) wrap(proto, names || Object.getOwnPropertyNames(proto).filter(n => n !== 'constructor' && typeof Object.getOwnPropertyDescriptor(proto, n).value === 'function'), () => { lasting = true; });
  }
  if (window.WebAssembly) wrap(WebAssembly, ['compile', 'compileStreaming', 'instantiate', 'instantiateStreaming'], () => { lasting = true; });
  // Whether the page wants to know what comes into view: only such a page is scrolled through.
  let scrolls = false;
  wrap(window, ['IntersectionObserver'], () => { scrolls = true; });
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = {addEventListener(type, ...rest) {
    if (type === 'scroll' || type === 'wheel') scrolls = true;
    return listen.call(this === undefined ? window : this, type, ...rest);
  }}.addEventListener;
  Object.defineProperty(window, Symbol.for('legwork.scrolls'), {value: () => scrolls || !!window.onscroll || !!document.onscroll});
})();
