// read gives the page as one HTML document: open shadow roots take the place of their hosts' content, with what is
// slotted into them, and frames that may be looked into are written where they stand. Scripts and styles keep their
// tags, which tell what the page is, and lose their text.
function read(limit) {
  const maxNodes = 300000, maxDepth = 400;
  let nodes = 0, frames = 0;
  const out = document.implementation.createHTMLDocument('');
  const bare = new Set(['script', 'style', 'template', 'noscript', 'svg', 'canvas', 'video', 'audio', 'object', 'embed']);
  const append = (to, children, depth) => { for (const child of children) copy(to, child, depth); };
  function copy(to, node, depth) {
    if (++nodes > maxNodes) return;
    if (node.nodeType === Node.TEXT_NODE) { to.appendChild(out.createTextNode(node.data)); return; }
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    if (depth > maxDepth) { to.appendChild(out.createTextNode(' ' + node.textContent)); return; }
    const name = node.localName;
    if (name === 'iframe' || name === 'frame') {
      let inner = null;
      try { inner = node.contentDocument; } catch {}
      const box = out.createElement('div');
      if (inner && inner.body && inner.body.textContent.trim() !== '' && !hiddenFrame(node)) {
        frames++;
        const base = inner.baseURI;
        append(box, inner.body.childNodes, depth + 1);
        for (const a of box.querySelectorAll('a[href]')) { try { a.setAttribute('href', new URL(a.getAttribute('href'), base).href); } catch {} }
        to.appendChild(box);
        return;
      }
      to.appendChild(out.importNode(node, false));
      return;
    }
    if (name === 'slot' && node.assignedNodes) {
      const given = node.assignedNodes({flatten: true});
      append(to, given.length ? given : node.childNodes, depth + 1);
      return;
    }
    let made;
    try { made = out.importNode(node, false); } catch { return; }
    if (name === 'dialog' || name.includes('-')) { // a dialog that is open is read; custom elements must not run here
      made = out.createElement('div');
      for (const a of node.attributes) { try { made.setAttribute(a.name, a.value); } catch {} }
      if (name === 'dialog' && !node.open) made.setAttribute('hidden', '');
    } else if (name === 'frameset') made = out.createElement('div');
    to.appendChild(made);
    if (bare.has(name)) return;
    append(made, node.shadowRoot ? node.shadowRoot.childNodes : node.childNodes, depth + 1);
  }
  function hiddenFrame(frame) {
    const r = frame.getBoundingClientRect();
    return r.width < 20 || r.height < 20 || !frame.checkVisibility();
  }
  const root = out.documentElement;
  root.replaceChildren();
  for (const a of document.documentElement.attributes) { try { root.setAttribute(a.name, a.value); } catch {} }
  append(root, document.documentElement.childNodes, 0);
  return {html: '<!DOCTYPE html>' + root.outerHTML.slice(0, limit), frames};
}
