// seekAll finds quotes in the rendered page and marks them. A quote is found if at least the share `enough` of its letters is found.
// seekAll scrolls so that the first quote that is found is in the middle of the screen, together with as many other quotes as fit. Only
// letters and digits are compared, in their compatibility forms: white space, case, punctuation, typography and the division of text by
// elements do not matter. If a whole quote is not found, the longest run of its words that is found is used. seekAll returns the share of
// each quote's letters that was found, 0..1.
let sought = []; // for each quote: the marked ranges and their frames; empty if the quote was not found
function seekAll(quotes, enough) {
  const fold = s => s.normalize('NFKC').toLowerCase();
  const letter = /[\p{L}\p{N}]/u;
  // gather returns the page's letters in one string. For each letter it also returns the node, the offset, and whether a word begins there.
  function gather(hiddenToo) {
    const nodes = [], starts = [];
    let text = '', offsets = [], begins = [], gap = true, count = 0;
    const visit = (node, frame) => {
      if (++count > 300000 || text.length > 3000000) return;
      if (node.nodeType === Node.TEXT_NODE) {
        if (node.data.trim() === '') { if (node.data !== '') gap = true; return; }
        nodes.push({node, frame}); starts.push(text.length);
        let i = 0;
        for (const c of node.data) {
          for (const f of fold(c)) {
            if (letter.test(f)) { text += f; for (let k = 0; k < f.length; k++) { offsets.push(i); begins.push(gap); gap = false; } } else gap = true;
          }
          i += c.length;
        }
        return;
      }
      if (node.nodeType !== Node.ELEMENT_NODE) return;
      const name = node.localName;
      if (/^(script|style|noscript|template|textarea|select|svg|canvas|video|audio|object)$/.test(name)) return;
      if (!hiddenToo && node.checkVisibility && !node.checkVisibility({visibilityProperty: true}) && getComputedStyle(node).display !== 'contents') return;
      if (name === 'iframe' || name === 'frame') {
        let inner = null;
        try { inner = node.contentDocument; } catch {}
        if (inner && inner.body) { gap = true; visit(inner.body, {element: node, parent: frame}); gap = true; }
        return;
      }
      const block = !/^(a|abbr|b|bdi|bdo|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strong|sub|sup|time|tt|u|var|wbr)$/.test(name);
      if (block) gap = true;
      const children = name === 'slot' && node.assignedNodes({flatten: true}).length ? node.assignedNodes({flatten: true})
        : (node.shadowRoot || node).childNodes;
      for (const child of children) visit(child, frame);
      if (block) gap = true;
    };
    if (document.body) visit(document.body, null);
    return {text, offsets, begins, nodes, starts};
  }
  // find returns a position of s in the page, or -1. A position at word boundaries is preferred.
  function find(page, s) {
    let any = -1;
    for (let at = page.text.indexOf(s), n = 0; at >= 0 && n < 2000; at = page.text.indexOf(s, at + 1), n++) {
      if (any < 0) any = at;
      const end = at + s.length;
      if (page.begins[at] && (end >= page.text.length || page.begins[end])) return at;
    }
    return s.length >= 12 ? any : -1;
  }
  const pages = [];
  const gathered = hiddenToo => pages[+hiddenToo] ||= gather(hiddenToo);
  const place = (page, k) => {
    let lo = 0, hi = page.starts.length - 1;
    while (lo < hi) { const mid = (lo + hi + 1) >> 1; if (page.starts[mid] <= k) lo = mid; else hi = mid - 1; }
    return {...page.nodes[lo], index: lo, offset: page.offsets[k]};
  };
  const lengthAt = (node, offset) => String.fromCodePoint(node.data.codePointAt(offset)).length;
  // seek returns the ranges of one quote, and the share of the quote's letters that is in them.
  function seek(quote) {
    const nothing = {share: 0, ranges: []};
    const words = (fold(quote).match(/[\p{L}\p{N}]+/gu) || []).slice(0, 400);
    const whole = words.join('');
    if (whole === '') return nothing;
    let page, at = -1, found = '';
    for (const hiddenToo of [false, true]) {
      page = gathered(hiddenToo);
      at = find(page, found = whole);
      if (at >= 0) break;
    }
    if (at < 0) {
      page = gathered(false);
      let best = 0;
      found = '';
      for (let i = 0; i < words.length; i++) {
        while (i + best < words.length) {
          const s = words.slice(i, i + best + 1).join(''), hit = find(page, s);
          if (hit < 0) break;
          best++; found = s; at = hit;
        }
      }
    }
    if (at < 0 || found.length < Math.min(8, whole.length)) return nothing;
    const from = place(page, at), to = place(page, at + found.length - 1);
    // There is one range for each text node, since a range cannot cross the border of a frame or shadow root.
    const ranges = [];
    for (let i = from.index; i <= to.index; i++) {
      const {node, frame} = page.nodes[i];
      const range = node.ownerDocument.createRange();
      range.setStart(node, i === from.index ? from.offset : 0);
      range.setEnd(node, i === to.index ? to.offset + lengthAt(node, to.offset) : node.data.length);
      ranges.push({range, node, frame});
    }
    return {share: found.length / whole.length, ranges};
  }
  const hits = quotes.map(seek);
  sought = hits.map(h => h.ranges);
  for (const {node} of sought.flat()) for (let el = node.parentElement; el; el = el.parentElement) if (el.localName === 'details') el.open = true;
  mark(sought.flat());
  const first = hits.findIndex(h => h.ranges.length > 0 && h.share >= enough);
  if (first >= 0) {
    center(sought[first][0], sought[first][sought[first].length - 1]);
    makeRoom(sought[first], hits.filter((h, i) => i !== first && h.share >= enough).map(h => h.ranges));
  }
  return hits.map(h => h.share);
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
  if (!room) return;
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
  const middle = () => {
    const a = first.range.getBoundingClientRect(), b = last.frame === first.frame ? last.range.getBoundingClientRect() : a;
    return (a.top + Math.min(Math.max(a.bottom, b.bottom), a.top + innerHeight * 0.8)) / 2;
  };
  for (let el = first.node.parentElement; el; el = el.parentElement || el.getRootNode().host || null) {
    const view = el.ownerDocument.defaultView;
    if (el === el.ownerDocument.scrollingElement || el === el.ownerDocument.body) continue;
    if (el.scrollHeight > el.clientHeight + 1 && /auto|scroll|hidden/.test(view.getComputedStyle(el).overflowY)) {
      const r = el.getBoundingClientRect();
      el.scrollTo({top: el.scrollTop + middle() - (r.top + r.height / 2), behavior: 'instant'});
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

// shown reports for each quote whether it is inside a picture. The picture reaches from the top of the page to the given height; height 0
// means that it shows the screen. For a picture of the screen, elements that cover the quotes are hidden first. If a quote is higher than
// the screen, only its beginning is checked.
function shown(height) {
  const inside = height > 0
    ? b => b.top + scrollY >= 0 && b.bottom + scrollY <= height && b.left + scrollX >= 0 && b.left < innerWidth
    : b => b.top >= 0 && b.bottom <= innerHeight && b.left >= 0 && b.left < innerWidth;
  const part = ranges => {
    const all = boxes(ranges);
    const tall = height === 0 && all.length > 0 && all[all.length - 1].bottom - all[0].top > innerHeight;
    return tall ? all.slice(0, 1) : all;
  };
  if (height === 0) clear(sought.flatMap(ranges => part(ranges).filter(inside)));
  return sought.map(ranges => {
    const all = part(ranges);
    return all.length > 0 && all.every(b => inside(b) && (height > 0 || uncovered(b)));
  });
}
