// Runs in every frame before its own scripts. Pages that look whether the browser can do these things find that it cannot.
(() => {
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel', 'WebTransport', 'SharedWorker', 'Notification']) {
    delete window[name];
  }
  try { delete Navigator.prototype.serviceWorker; } catch {}
  window.open = () => null;
  window.print = () => {};
})();
