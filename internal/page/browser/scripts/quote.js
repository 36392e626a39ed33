// seek looks for a quote in the page as it is shown, brings it to the middle of the screen and marks it. White space,
// case, punctuation and typography do not matter, nor how elements divide the text: letters and digits are compared, in
// their compatibility forms. Where the whole quote is not found, its longest run of words that is found stands for it.
// It gives the share of the quote's letters that were found, 0..1.
let sought = null; // ranges that were marked, with the frame they are in
function seek(quote) {
  const fold = s => s.normalize('NFKC').toLowerCase();
  const letter = /[\p{L}\p{N}]/u;
  // The page's letters in one string, with the node and offset each comes from, and whether a word begins there.
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
  // Where s stands in a page: at the borders of words if it does so anywhere.
  function find(page, s) {
    let any = -1;
    for (let at = page.text.indexOf(s), n = 0; at >= 0 && n < 2000; at = page.text.indexOf(s, at + 1), n++) {
      if (any < 0) any = at;
      const end = at + s.length;
      if (page.begins[at] && (end >= page.text.length || page.begins[end])) return at;
    }
    return s.length >= 12 ? any : -1;
  }
  const words = (fold(quote).match(/[\p{L}\p{N}]+/gu) || []).slice(0, 400);
  const whole = words.join('');
  if (whole === '') return 0;
  let page, at = -1, found = '';
  for (const hiddenToo of [false, true]) {
    page = gather(hiddenToo);
    at = find(page, found = whole);
    if (at >= 0) break;
  }
  if (at < 0) {
    page = gather(false);
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
  if (at < 0 || found.length < Math.min(8, whole.length)) return 0;
  const place = k => {
    let lo = 0, hi = page.starts.length - 1;
    while (lo < hi) { const mid = (lo + hi + 1) >> 1; if (page.starts[mid] <= k) lo = mid; else hi = mid - 1; }
    return {...page.nodes[lo], index: lo, offset: page.offsets[k]};
  };
  const from = place(at), to = place(at + found.length - 1);
  const lengthAt = (node, offset) => String.fromCodePoint(node.data.codePointAt(offset)).length;
  // One range for each text node: a range may span no two trees, and a frame's is its own.
  const ranges = [];
  for (let i = from.index; i <= to.index; i++) {
    const {node, frame} = page.nodes[i];
    const range = node.ownerDocument.createRange();
    range.setStart(node, i === from.index ? from.offset : 0);
    range.setEnd(node, i === to.index ? to.offset + lengthAt(node, to.offset) : node.data.length);
    ranges.push({range, node, frame});
  }
  for (const {node} of ranges) for (let el = node.parentElement; el; el = el.parentElement) if (el.localName === 'details') el.open = true;
  mark(ranges);
  center(ranges[0], ranges[ranges.length - 1]);
  sought = ranges;
  return found.length / whole.length;
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

// center scrolls everything that scrolls so that the text from first to last is in the middle, or begins in it.
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
  }
  let y = middle();
  for (let frame = first.frame; frame; frame = frame.parent) {
    const view = frame.element.contentWindow;
    view.scrollBy({top: y - view.innerHeight / 2, behavior: 'instant'});
    y = middle() + frame.element.getBoundingClientRect().top;
  }
  scrollBy({top: y - innerHeight / 2, behavior: 'instant'});
}

// shown says whether the quote that was sought is within a picture of the given height, from the top of the page or, for
// height 0, of the screen. What lies over it on the screen and does not belong to the page's flow is taken away.
function shown(height) {
  if (!sought) return false;
  const boxes = () => sought.flatMap(({range, frame}) => {
    let dx = 0, dy = 0;
    for (let f = frame; f; f = f.parent) { const r = f.element.getBoundingClientRect(); dx += r.left; dy += r.top; }
    return [...range.getClientRects()].filter(r => r.width > 0 && r.height > 0)
      .map(r => ({left: r.left + dx, right: r.right + dx, top: r.top + dy, bottom: r.bottom + dy}));
  });
  let all = boxes();
  if (all.length === 0) return false;
  if (height > 0) return all.every(r => r.top + scrollY >= 0 && r.bottom + scrollY <= height && r.left + scrollX >= 0 && r.left < innerWidth);
  for (let tries = 0; tries < 5; tries++) {
    let over = null;
    for (const r of [all[0], all[all.length - 1]]) {
      let el = document.elementFromPoint((r.left + r.right) / 2, (r.top + r.bottom) / 2);
      for (; el; el = el.parentElement || el.getRootNode().host) {
        if (sought.some(({node, frame}) => el === (frame ? frame.element : node.parentElement) || el.contains(frame ? frame.element : node))) { el = null; break; }
        if (/fixed|sticky/.test(getComputedStyle(el).position)) { over = el; break; }
      }
    }
    if (!over) break;
    over.style.setProperty('visibility', 'hidden', 'important');
  }
  all = boxes();
  const tall = all[all.length - 1].bottom - all[0].top > innerHeight; // it cannot be shown whole
  return (tall ? all.slice(0, 1) : all).every(r => r.top >= 0 && r.bottom <= innerHeight && r.left >= 0 && r.left < innerWidth);
}
