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
})();
