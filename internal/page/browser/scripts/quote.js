// seekAll finds quotes in the rendered page and marks them (see seek.js). A quote is found if at least the share `enough` of its letters is
// found. seekAll scrolls so that the first quote that is found is in the middle of the screen, together with as many other quotes as fit, and
// waits until they appear. It returns the share of each quote's letters that was found, 0..1.
let sought = []; // for each quote: the marked ranges and their frames; empty if the quote was not found
async function seekAll(quotes, surroundings, enough) {
  const seek = seeker(enough);
  const hits = quotes.map((quote, i) => seek(quote, surroundings[i]));
  sought = hits.map(h => h.ranges);
  for (const {node} of sought.flat()) reveal(node);
  mark(sought.flat());
  const first = hits.findIndex(h => h.ranges.length > 0 && h.share >= enough);
  if (first < 0) return hits.map(h => h.share);
  const others = hits.filter((h, i) => i !== first && h.share >= enough).map(h => h.ranges);
  const scroll = () => {
    center(sought[first][0], sought[first][sought[first].length - 1]);
    makeRoom(sought[first], others);
  };
  const top = () => boxes(sought[first]).reduce((y, b) => Math.min(y, b.top), Infinity);
  for (let rounds = 0, before = NaN; rounds < 6; rounds++) { // what appears when it is scrolled to may move the text
    scroll();
    await appear(sought[first]);
    if (Math.abs(top() - before) < 1) break;
    before = top();
  }
  return hits.map(h => h.share);
}

const seen = el => !el.checkVisibility || el.checkVisibility({visibilityProperty: true}) || el.ownerDocument.defaultView.getComputedStyle(el).display === 'contents';

// reveal shows a node that is hidden: it opens <details> elements and presses the control of a tab panel or of a similar element. If pressing
// the control does not help, it shows the element itself. Text that no control can show stays hidden.
function reveal(node) {
  for (let tries = 0; tries < 5; tries++) {
    const own = node.parentElement || node.getRootNode().host;
    if (!own || seen(own)) return;
    let top = own; // the outermost hidden element
    for (let el = own; el; el = el.parentElement || el.getRootNode().host) {
      if (el.localName === 'details' && !el.open) el.open = true;
      if (!seen(el)) top = el;
    }
    if (seen(own)) return;
    if (seen(top)) continue; // it was in a closed <details>
    const waits = top.closest('[hidden="until-found"]'), control = controlOf(top);
    if (waits) waits.removeAttribute('hidden');
    else if (!control) return;
    else control.click();
    if (seen(top)) continue;
    top.removeAttribute('hidden');
    for (const [name, value] of [['display', 'block'], ['visibility', 'visible'], ['content-visibility', 'visible']]) {
      if (!seen(top)) top.style.setProperty(name, value, 'important');
    }
  }
}

// controlOf returns the control of the page that shows an element: a tab, a button or a link to the element, or null.
function controlOf(el) {
  const root = el.getRootNode(), id = CSS.escape(el.id);
  const says = el.id && root.querySelector(`[aria-controls~="${id}"],[data-target="#${id}"],[data-bs-target="#${id}"],[popovertarget="${id}"],label[for="${id}"],a[href="#${id}"]`);
  if (says) return says;
  const label = el.getAttribute('role') === 'tabpanel' && el.getAttribute('aria-labelledby');
  if (label && root.getElementById(label)) return root.getElementById(label);
  const before = el.previousElementSibling, buttons = 'summary,button:not([type=submit]),[role=button],[role=tab],[aria-expanded]';
  return before && (before.matches(buttons) ? before : before.textContent.length < 300 && before.querySelector(buttons)) || null;
}

// appear waits for the next frame, and at most a second until ranges are opaque, since pages let text fade in when it is scrolled to.
async function appear(ranges) {
  const end = performance.now() + 1000;
  const frame = () => new Promise(done => { setTimeout(done, 50); requestAnimationFrame(() => setTimeout(done, 0)); });
  do await frame(); while (performance.now() < end && ranges.some(({node}) => opacity(node) < 0.995));
}

// opacity returns the opacity with which a node is drawn.
function opacity(node) {
  let all = 1;
  for (let el = node.parentElement || node.getRootNode().host; el; el = el.parentElement || el.getRootNode().host) all *= parseFloat(el.ownerDocument.defaultView.getComputedStyle(el).opacity);
  return all;
}

// makeRoom scrolls the page so that the given ranges stay on the screen together with as many of the other ranges as possible. It tries the
// nearest ranges first, and keeps a margin above and below.
const margin = 24; // pixels
function makeRoom(ranges, others) {
  const span = set => {
    const all = boxes(set);
    return all.length && {top: Math.min(...all.map(b => b.top)), bottom: Math.max(...all.map(b => b.bottom))};
  };
  const room = span(ranges);
  if (!room || room.bottom - room.top + 2 * margin > innerHeight) return; // center shows the beginning of a quote that is higher than the screen
  const middle = (room.top + room.bottom) / 2;
  const spans = others.map(span).filter(s => s).sort((a, b) => Math.abs((a.top + a.bottom) / 2 - middle) - Math.abs((b.top + b.bottom) / 2 - middle));
  for (const s of spans) {
    const top = Math.min(room.top, s.top), bottom = Math.max(room.bottom, s.bottom);
    if (bottom - top + 2 * margin <= innerHeight) { room.top = top; room.bottom = bottom; }
  }
  if (room.top < margin || room.bottom > innerHeight - margin) scrollBy({top: (room.top + room.bottom) / 2 - innerHeight / 2, behavior: 'instant'});
}

// mark highlights ranges without changing the tree, in our colours.
function mark(ranges) {
  const rule = '::highlight(legwork-quote){background-color:#ffe14d;color:#111;text-decoration:underline 2px #d98200}';
  const roots = new Map();
  for (const r of ranges) {
    const root = r.node.getRootNode(), view = r.node.ownerDocument.defaultView;
    if (!roots.has(root)) {
      roots.set(root, true);
      try {
        const sheet = new view.CSSStyleSheet();
        sheet.replaceSync(rule);
        root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
      } catch {}
    }
    try {
      const set = view.CSS.highlights.get('legwork-quote') || new view.Highlight();
      set.priority = 1000;
      set.add(r.range);
      view.CSS.highlights.set('legwork-quote', set);
    } catch {}
  }
}

// center scrolls all scrolling elements so that the text from first to last is in the middle of the screen, or begins there.
function center(first, last) {
  const middle = (room = innerHeight) => {
    const a = first.range.getBoundingClientRect(), b = last.frame === first.frame ? last.range.getBoundingClientRect() : a;
    return (a.top + Math.min(Math.max(a.bottom, b.bottom), a.top + Math.min(room, innerHeight) * 0.8)) / 2;
  };
  for (let el = first.node.parentElement; el; el = el.parentElement || el.getRootNode().host || null) {
    const view = el.ownerDocument.defaultView;
    if (el === el.ownerDocument.scrollingElement || el === el.ownerDocument.body) continue;
    if (el.scrollHeight > el.clientHeight + 1 && /auto|scroll|hidden/.test(view.getComputedStyle(el).overflowY)) {
      const r = el.getBoundingClientRect();
      el.scrollTo({top: el.scrollTop + middle(el.clientHeight) - (r.top + r.height / 2), behavior: 'instant'});
    }
    if (el.scrollWidth > el.clientWidth + 1 && /auto|scroll|hidden/.test(view.getComputedStyle(el).overflowX)) { // scroll sideways in a wide table or a long line of code
      const r = el.getBoundingClientRect(), left = first.range.getBoundingClientRect().left;
      if (left < r.left || left > r.right - 80) el.scrollTo({left: el.scrollLeft + left - (r.left + r.width / 3), behavior: 'instant'});
    }
  }
  let y = middle();
  for (let frame = first.frame; frame; frame = frame.parent) {
    const view = frame.element.contentWindow;
    view.scrollBy({top: y - view.innerHeight / 2, behavior: 'instant'});
    y = middle() + frame.element.getBoundingClientRect().top;
  }
  const box = boxes([first])[0];
  if (box && (box.left < 0 || box.left > innerWidth - 80)) scrollBy({left: box.left - innerWidth / 3, behavior: 'instant'}); // scroll sideways if the page is wider than the screen
  scrollBy({top: y - innerHeight / 2, behavior: 'instant'});
}

// boxes returns the rectangles of ranges on the screen.
function boxes(ranges) {
  return ranges.flatMap(({range, node, frame}) => {
    let dx = 0, dy = 0;
    for (let f = frame; f; f = f.parent) { const r = f.element.getBoundingClientRect(); dx += r.left + f.element.clientLeft; dy += r.top + f.element.clientTop; }
    return [...range.getClientRects()].filter(r => r.width > 0 && r.height > 0)
      .map(r => ({left: r.left + dx, right: r.right + dx, top: r.top + dy, bottom: r.bottom + dy, dx, dy, node}));
  });
}

// topmost returns the elements at a point of the screen, the uppermost first, with their ancestors. It includes elements in shadow roots
// and in frames of the same site.
function topmost(x, y) {
  const path = [];
  let root = document, el = root.elementFromPoint(x, y);
  for (let depth = 0; el && depth < 20; depth++) {
    path.unshift(el);
    if (el.shadowRoot) root = el.shadowRoot;
    else if (el.localName === 'iframe' || el.localName === 'frame') {
      const r = el.getBoundingClientRect();
      try { root = el.contentDocument; } catch { root = null; }
      x -= r.left + el.clientLeft; y -= r.top + el.clientTop;
    } else break;
    const inner = root && root.elementFromPoint(x, y);
    if (!inner || inner === el) break;
    el = inner;
  }
  return path;
}

// holds reports whether an element contains a node, across shadow roots.
function holds(el, node) {
  for (let n = node; n; n = n.parentNode || n.host) if (n === el) return true;
  return false;
}

// near returns the point of a box at which uncovered looks. The point is at half the height of the box and close to its left edge, since
// long lines of code may extend beyond the screen.
const near = box => [Math.min((box.left + box.right) / 2, box.left + 40), (box.top + box.bottom) / 2];

// uncovered reports whether a box shows its own text. It does if the element at the point near(box) is the text's element, or is inside or
// around the text's element. Otherwise something covers the text, or a scrolling element cuts it off.
function uncovered(box) {
  const [x, y] = near(box), el = topmost(x, y)[0];
  if (!el) return false;
  const own = box.node.parentElement || box.node.getRootNode().host;
  if (holds(own, el)) return true;
  if (!holds(el, box.node)) return false;
  for (let a = own; a && a !== el; a = a.parentElement || a.getRootNode().host) { // an element between a and el may cut the text off
    const r = a.getBoundingClientRect(), style = a.ownerDocument.defaultView.getComputedStyle(a);
    const inside = x - box.dx >= r.left && x - box.dx <= r.right && y - box.dy >= r.top && y - box.dy <= r.bottom;
    if (!inside && (style.overflowX !== 'visible' || style.overflowY !== 'visible')) return false;
  }
  return true;
}

// clear hides fixed and sticky elements that cover the boxes of a quote on the screen and do not contain the quote.
function clear(list) {
  for (const box of list) {
    for (let tries = 0; tries < 5; tries++) {
      let over = null;
      for (const top of topmost(...near(box))) {
        for (let el = top; el && !over; el = el.parentElement || el.getRootNode().host) {
          if (holds(el, box.node)) break;
          if (/fixed|sticky/.test(el.ownerDocument.defaultView.getComputedStyle(el).position)) over = el;
        }
        if (over) break;
      }
      if (!over) break;
      over.style.setProperty('visibility', 'hidden', 'important');
    }
  }
}

// room returns the width and height in which a node can be shown at once: those of the screen, or of a scrolling element around the node.
function room(node) {
  let width = innerWidth, height = innerHeight;
  for (let el = node.parentElement || node.getRootNode().host; el; el = el.parentElement || el.getRootNode().host) {
    const doc = el.ownerDocument, style = doc.defaultView.getComputedStyle(el);
    if (el === doc.documentElement || el === doc.body) continue;
    if (style.overflowX !== 'visible' && el.scrollWidth > el.clientWidth + 1) width = Math.min(width, el.clientWidth);
    if (style.overflowY !== 'visible' && el.scrollHeight > el.clientHeight + 1) height = Math.min(height, el.clientHeight);
  }
  return {width, height};
}

// shown reports for each quote whether it is inside a picture. The picture reaches from the top of the page to the given height; height 0
// means that it shows the screen. For a picture of the screen, elements that cover the quotes are hidden first. If a quote does not fit on
// the screen or in the scrolling element around it, only its beginning is checked.
function shown(height) {
  const inside = height > 0
    ? b => b.top + scrollY >= 0 && b.bottom + scrollY <= height && b.left + scrollX >= 0 && b.left < innerWidth
    : b => b.top >= 0 && b.bottom <= innerHeight && b.left >= 0 && b.left < innerWidth;
  const part = ranges => {
    const all = boxes(ranges);
    if (height > 0 || all.length === 0) return all;
    const fits = room(all[0].node);
    const large = Math.max(...all.map(b => b.bottom)) - Math.min(...all.map(b => b.top)) > fits.height || Math.max(...all.map(b => b.left)) - Math.min(...all.map(b => b.left)) > fits.width - 80;
    return large ? all.slice(0, 1) : all;
  };
  if (height === 0) clear(sought.flatMap(ranges => part(ranges).filter(inside)));
  return sought.map(ranges => {
    const all = part(ranges);
    return all.length > 0 && all.every(b => inside(b) && opacity(b.node) > 0.1 && (height > 0 || uncovered(b)));
  });
}
