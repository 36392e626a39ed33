// read returns the page as one HTML document. Open shadow roots replace the content of their hosts and include the slotted children. The
// content of accessible frames is written in place of the frames. The text of style sheets is left out. A part of the text of scripts is
// kept, because it names the elements that the scripts can show. Since the reader of the HTML does not know the style sheets, attributes
// that begin with data-legwork- describe how an element is drawn: hidden (not shown now), never (never visible to anybody), apart (its
// children are laid out as separate items), and block (an inline element that is drawn as a block).
function read(limit) {
  const maxNodes = 300000, maxDepth = 400;
  let nodes = 0, frames = 0;
  const out = document.implementation.createHTMLDocument('');
  const bare = new Set(['script', 'style', 'template', 'noscript', 'svg', 'canvas', 'video', 'audio', 'object', 'embed']);
  let drawn = 0, scriptLeft = 200000;
  const lines = new Set(['a', 'span', 'b', 'strong', 'i', 'em', 'small', 'label', 'time', 'code', 'abbr', 'cite', 'data', 'output', 'u', 'mark', 'font', 'big']);
  const grounds = new Map();
  const numbers = color => (color.match(/[\d.]+/g) || []).map(Number);
  // ground returns the colour behind an element, or null if it is not known.
  function ground(el) {
    const path = [];
    let result = [255, 255, 255];
    for (let e = el; e; e = e.parentElement || (e.getRootNode() instanceof ShadowRoot ? e.getRootNode().host : null)) {
      if (grounds.has(e)) { result = grounds.get(e); break; }
      path.push(e);
      const style = getComputedStyle(e), c = numbers(style.backgroundColor);
      if (style.backgroundImage !== 'none' || style.position === 'absolute' || style.position === 'fixed' || style.position === 'sticky') { result = null; break; }
      if (c.length >= 3 && (c.length < 4 || c[3] > 0.9)) { result = c; break; }
      if (c.length === 4 && c[3] > 0.05) { result = null; break; }
    }
    for (const e of path) grounds.set(e, result);
    return result;
  }
  // unseen reports whether the text of an element is drawn so that nobody can see it.
  function unseen(el, style) {
    const own = [...el.childNodes].some(c => c.nodeType === Node.TEXT_NODE && c.data.trim() !== '');
    if (parseFloat(style.textIndent) <= -500) return true;
    const apart = style.position === 'absolute' || style.position === 'fixed';
    if (apart && (parseFloat(style.left) <= -900 || parseFloat(style.top) <= -900 || /^rect\((0px|1px|auto)?,? ?(0px|1px),? ?(0px|1px),? ?(0px|1px|auto)?\)$/.test(style.clip))) return true;
    if (/^(inset\((50|100)%|circle\(0)/.test(style.clipPath)) return true;
    if (style.overflow !== 'visible' && style.display !== 'inline' && (parseFloat(style.width) <= 1 || parseFloat(style.height) <= 1) && (apart || parseFloat(style.maxHeight) !== 0)) return apart;
    if (!own) return false;
    if (parseFloat(style.fontSize) < 3) return true;
    const c = numbers(style.color);
    if (style.webkitTextFillColor && style.backgroundClip === 'text' || style.textShadow !== 'none') return false;
    if (c.length === 4 && c[3] < 0.05) return true;
    const behind = ground(el);
    return !!behind && c.length >= 3 && Math.abs(c[0] - behind[0]) + Math.abs(c[1] - behind[1]) + Math.abs(c[2] - behind[2]) < 12;
  }
  function describe(made, node, name, inside) {
    if (++drawn > 20000 || bare.has(name)) return;
    const style = getComputedStyle(node);
    if (style.display === 'none' || style.visibility !== 'visible' && (!inside || inside.visibility === 'visible') || parseFloat(style.opacity) < 0.05) {
      made.setAttribute('data-legwork-hidden', '');
      return;
    }
    if (unseen(node, style)) made.setAttribute('data-legwork-never', '');
    if (/flex|grid/.test(style.display) && node.childElementCount > 1) made.setAttribute('data-legwork-apart', style.flexDirection.startsWith('column') && style.display.includes('flex') ? 'column' : 'row');
    else if (lines.has(name) && /^(block|list-item|table|flex|grid)/.test(style.display) && !(inside && /flex|grid/.test(inside.display))) made.setAttribute('data-legwork-block', '');
    return style;
  }
  const append = (to, children, depth, inside) => { for (const child of children) copy(to, child, depth, inside); };
  function copy(to, node, depth, inside) {
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
        append(box, inner.body.childNodes, depth + 1);
        to.appendChild(box);
        return;
      }
      to.appendChild(out.importNode(node, false));
      return;
    }
    if (name === 'slot' && node.assignedNodes) {
      const given = node.assignedNodes({flatten: true});
      append(to, given.length ? given : node.childNodes, depth + 1, inside);
      return;
    }
    let made;
    try { made = out.importNode(node, false); } catch { return; }
    if (name === 'dialog' || name.includes('-')) { // write a div: an open dialog must be read, and custom elements must not run here
      made = out.createElement('div');
      for (const a of node.attributes) { try { made.setAttribute(a.name, a.value); } catch {} }
      if (name === 'dialog' && !node.open) made.setAttribute('hidden', '');
    } else if (name === 'frameset') made = out.createElement('div');
    if (node.ownerDocument !== document && typeof node.href === 'string' && node.hasAttribute('href')) made.setAttribute('href', node.href); // the address as the frame resolves it
    to.appendChild(made);
    if (name === 'script' && !node.src) {
      const text = node.text.slice(0, Math.min(50000, scriptLeft));
      scriptLeft -= text.length;
      made.appendChild(out.createTextNode(text.replace(/<\/?script/gi, '<'))); // the reader needs names of elements that the script can show, and facts in JSON-LD
    }
    if (bare.has(name)) return;
    let style;
    try { style = describe(made, node, name, inside); } catch {}
    append(made, node.shadowRoot ? node.shadowRoot.childNodes : node.childNodes, depth + 1, style || inside);
  }
  function hiddenFrame(frame) {
    const r = frame.getBoundingClientRect();
    return r.width < 20 || r.height < 20 || !frame.checkVisibility();
  }
  const root = out.documentElement;
  root.replaceChildren();
  for (const a of document.documentElement.attributes) { try { root.setAttribute(a.name, a.value); } catch {} }
  root.setAttribute('data-legwork-rendered', document.characterSet); // the queries of links are encoded in this charset
  append(root, document.documentElement.childNodes, 0);
  return {html: '<!DOCTYPE html>' + root.outerHTML.slice(0, limit), frames};
}
