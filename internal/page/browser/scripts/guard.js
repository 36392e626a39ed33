// This script runs in each frame before the page's scripts. It removes functions of the browser, so that pages that check for them do not
// find them.
(() => {
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel', 'WebTransport', 'SharedWorker', 'Notification']) {
    delete window[name];
  }
  try { delete Navigator.prototype.serviceWorker; } catch {}
  // The history is empty for the page, so it cannot navigate back.
  const never = new Promise(() => {});
  for (const name of ['back', 'forward', 'go']) History.prototype[name] = () => {};
  for (const name of ['back', 'forward', 'traverseTo']) try { Navigation.prototype[name] = () => ({committed: never, finished: never}); } catch {}

  // soon(ms) reports whether anything may change the page within ms milliseconds without a visible request: a timer that is due, or other
  // pending work. If a page manipulates this function, it is only read earlier or later.
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
  // These functions run a callback once, at a later time. To continue, the page calls them again.
  wrap(window, ['requestAnimationFrame', 'requestIdleCallback', 'postMessage', 'createImageBitmap'], () => { until = clock() + 200; });
  if (window.MessagePort) wrap(MessagePort.prototype, ['postMessage'], () => { until = clock() + 200; });
  // The work of these objects may last for any time.
  wrap(window, ['Worker', 'WebSocket', 'EventSource', 'BroadcastChannel', 'FontFace'], () => { lasting = true; });
  for (const [owner, names] of [['SubtleCrypto', null], ['IDBFactory', null], ['CacheStorage', null], ['LockManager', ['request']],
    ['Scheduler', null], ['StorageManager', null]]) {
    const proto = window[owner] && window[owner].prototype;
    if (proto) wrap(proto, names || Object.getOwnPropertyNames(proto).filter(n => n !== 'constructor' && typeof Object.getOwnPropertyDescriptor(proto, n).value === 'function'), () => { lasting = true; });
  }
  if (window.WebAssembly) wrap(WebAssembly, ['compile', 'compileStreaming', 'instantiate', 'instantiateStreaming'], () => { lasting = true; });
  // scrolls is true if the page observes which elements are visible, or listens to scroll events. Only such a page is scrolled.
  let scrolls = false;
  wrap(window, ['IntersectionObserver'], () => { scrolls = true; });
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = {addEventListener(type, ...rest) {
    if (type === 'scroll' || type === 'wheel') scrolls = true;
    return listen.call(this === undefined ? window : this, type, ...rest);
  }}.addEventListener;
  Object.defineProperty(window, Symbol.for('legwork.scrolls'), {value: () => scrolls || !!window.onscroll || !!document.onscroll});
})();
