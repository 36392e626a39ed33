// seeker returns a function that finds quotes in the page as it is shown. A quote whose letters are found in part is looked for among hidden
// text too, unless the share `enough` of them is found among visible text. Only letters and digits are compared, without case, accents and
// compatibility forms: white space, punctuation, typography and the division of text by elements do not matter.
function seeker(enough) {
  // unspaced matches the letters of scripts that put no spaces between words. Each such letter counts as a word.
  const unspaced = '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}]';
  const isUnspaced = new RegExp(unspaced, 'u'), word = new RegExp(`${unspaced}|(?:(?!${unspaced})[\\p{L}\\p{N}])+`, 'gu');
  const letter = /[\p{L}\p{N}]/u, mark = /\p{M}/u;
  const fold = s => s.toLowerCase().normalize('NFKD').toLowerCase().replace(/\p{M}/gu, '').replace(/ς/g, 'σ');
  const lettersOf = s => (fold(s).match(/[\p{L}\p{N}]+/gu) || []).join('');

  // gather returns the page's letters in one string. For each letter it also returns the node, the offset, and whether a word begins there.
  function gather(hiddenToo) {
    const nodes = [], starts = [];
    let text = '', offsets = [], begins = [], gap = true, count = 0;
    const add = (f, i) => {
      text += f;
      for (let k = 0; k < f.length; k++) { offsets.push(i); begins.push(gap); gap = false; }
    };
    const visit = (node, frame) => {
      if (++count > 300000 || text.length > 3000000) return;
      if (node.nodeType === Node.TEXT_NODE) {
        if (node.data.trim() === '') { if (node.data !== '') gap = true; return; }
        nodes.push({node, frame}); starts.push(text.length);
        let i = 0;
        for (const c of node.data) {
          if (c < '\u0080') {
            if (/[a-z0-9]/i.test(c)) add(c.toLowerCase(), i); else gap = true;
          } else if (!mark.test(c)) {
            for (const f of fold(c)) { if (letter.test(f)) add(f, i); else gap = true; }
          }
          i += c.length;
        }
        return;
      }
      if (node.nodeType !== Node.ELEMENT_NODE) return;
      const name = node.localName;
      if (/^(script|style|noscript|template|textarea|select|svg|canvas|video|audio|object|rt|rp)$/.test(name)) return; // readings of ruby are not in the text
      if (!hiddenToo && node.checkVisibility && !node.checkVisibility({visibilityProperty: true}) && getComputedStyle(node).display !== 'contents') return;
      if (name === 'iframe' || name === 'frame') {
        let inner = null;
        try { inner = node.contentDocument; } catch {}
        if (inner && inner.body) { gap = true; visit(inner.body, {element: node, parent: frame}); gap = true; }
        return;
      }
      const block = !/^(a|abbr|b|bdi|bdo|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|q|ruby|s|samp|small|span|strong|sub|sup|time|tt|u|var|wbr)$/.test(name);
      if (block) gap = true;
      const children = name === 'slot' && node.assignedNodes({flatten: true}).length ? node.assignedNodes({flatten: true})
        : (node.shadowRoot || node).childNodes;
      for (const child of children) visit(child, frame);
      if (block) gap = true;
    };
    if (document.body) visit(document.body, null);
    return {text, offsets, begins, nodes, starts};
  }
  const pages = [];
  const gathered = hiddenToo => pages[+hiddenToo] ||= gather(hiddenToo);

  // bounded reports whether a word begins or ends at position i.
  const bounded = (page, i) => i === 0 || i >= page.text.length || page.begins[i] || isUnspaced.test(page.text[i]) || isUnspaced.test(page.text[i - 1]);
  // likeness returns how many letters before from and after to are those of around, which are the letters around the quote in the snapshot.
  function likeness(page, from, to, around) {
    let before = 0, after = 0;
    while (before < around[0].length && page.text[from - 1 - before] === around[0][around[0].length - 1 - before]) before++;
    while (after < around[1].length && page.text[to + after] === around[1][after]) after++;
    return before + after;
  }
  // places returns the positions of s in the page, at most 2000. If s is short, they are at word boundaries.
  function places(page, s) {
    const out = [];
    for (let at = page.text.indexOf(s), n = 0; at >= 0 && n < 2000; at = page.text.indexOf(s, at + 1), n++) {
      const whole = bounded(page, at) && bounded(page, at + s.length);
      if (whole || s.length >= 12) out.push({at, whole});
    }
    return out;
  }
  // best returns the place whose surroundings are most like those of the quote. A place at word boundaries is preferred.
  function best(page, s, around) {
    let found = null, most = -1;
    for (const p of places(page, s)) {
      const points = (p.whole ? 1000 : 0) + likeness(page, p.at, p.at + s.length, around);
      if (points > most) { found = p; most = points; }
    }
    return found;
  }
  // has reports whether the page has s at word boundaries, or anywhere if s is long.
  function has(page, s) {
    for (let at = page.text.indexOf(s), n = 0; at >= 0 && n < 2000; at = page.text.indexOf(s, at + 1), n++) {
      if (s.length >= 12 || bounded(page, at) && bounded(page, at + s.length)) return true;
    }
    return false;
  }

  // follow returns the runs of words that come in text in this order, as [from, to, first word, number of words]. The page may have text in between that is not in the
  // quote, such as line numbers, buttons and marks of footnotes. The quote may have words that are not on the page: numbers of list items,
  // cells that are repeated for each row, the alternative text of pictures, formulas. The farther away a run is, the longer it must be.
  function follow(text, words) {
    const runs = [], maxGap = 1000, maxSkip = 40;
    let p = 0, k = 0;
    while (k < words.length) {
      let run = null;
      for (let i = k; i < words.length && i <= k + maxSkip && !run; i++) {
        let n = 0, at = -1, length = 0;
        for (let s = words[i]; ; s += words[i + n]) {
          const hit = text.indexOf(s, p);
          if (hit < 0 || hit - p > maxGap) break;
          n++; at = hit; length = s.length;
          if (i + n >= words.length) break;
        }
        const gap = at - p;
        if (n > 0 && (gap === 0 || gap <= 4 && length >= 3 || gap <= 40 && (n >= 2 && length >= 6 || length >= 8) || n >= 3 && length >= 12)) run = {at, length, word: i, n};
      }
      if (!run) break;
      runs.push([run.at, run.at + run.length, run.word, run.n]);
      p = run.at + run.length; k = run.word + run.n;
    }
    return runs;
  }
  const reversed = s => s.split('').reverse().join('');
  const reach = 6000; // letters of the page around the longest run in which the other runs are looked for

  // align finds a quote that is not in the page as a whole. It looks for the longest run of the quote's words, and for the other runs before
  // and after it. If the longest run is in several places, the place with the most of the quote is used. align returns the runs, and the share
  // of the quote's letters that is in them. Words that are missing on the page and are also in a run do not count, since they are repetitions.
  function align(page, words, around) {
    let anchor = '', from = 0, length = 0;
    for (let i = 0; i < words.length; i++) {
      while (i + length < words.length) {
        const s = words.slice(i, i + length + 1).join('');
        if (!has(page, s)) break;
        length++; anchor = s; from = i;
      }
    }
    if (anchor === '') return {runs: [], share: 0, letters: 0};
    const later = words.slice(from + length), earlier = words.slice(0, from).reverse().map(reversed);
    let found = [], most = -1;
    for (const {at} of places(page, anchor).slice(0, 50)) {
      const end = at + anchor.length;
      const before = follow(reversed(page.text.slice(Math.max(0, at - reach), at)), earlier).map(([a, b, i, n]) => [at - b, at - a, from - i - n, n]).reverse();
      const after = follow(page.text.slice(end, end + reach), later).map(([a, b, i, n]) => [end + a, end + b, from + length + i, n]);
      const runs = [...before, [at, end, from, length], ...after];
      const points = 1000 * runs.reduce((n, [a, b]) => n + b - a, 0) + likeness(page, at, end, around);
      if (points > most) { found = runs; most = points; }
    }
    const inRuns = new Set(found.flatMap(([, , i, n]) => Array.from({length: n}, (_, j) => i + j))), known = new Set([...inRuns].map(i => words[i]));
    const letters = found.reduce((n, [a, b]) => n + b - a, 0);
    const missing = words.reduce((n, w, i) => inRuns.has(i) || known.has(w) ? n : n + w.length, 0);
    return {runs: found, letters, share: letters / (letters + missing)};
  }

  // rangesOf returns the ranges of runs of letters. There is one range for each text node, since a range cannot cross the border of a frame
  // or shadow root.
  function rangesOf(page, runs) {
    const nodeAt = k => {
      let lo = 0, hi = page.starts.length - 1;
      while (lo < hi) { const mid = (lo + hi + 1) >> 1; if (page.starts[mid] <= k) lo = mid; else hi = mid - 1; }
      return lo;
    };
    const after = (node, offset) => { // the end of the letter at offset, with its accents
      let end = offset + String.fromCodePoint(node.data.codePointAt(offset)).length;
      while (end < node.data.length && mark.test(node.data[end])) end++;
      return end;
    };
    return runs.flatMap(([a, b]) => {
      const first = nodeAt(a), last = nodeAt(b - 1), out = [];
      for (let i = first; i <= last; i++) {
        const {node, frame} = page.nodes[i];
        const range = node.ownerDocument.createRange();
        range.setStart(node, i === first ? page.offsets[a] : 0);
        range.setEnd(node, i === last ? after(node, page.offsets[b - 1]) : node.data.length);
        out.push({range, node, frame});
      }
      return out;
    });
  }

  // seek returns the ranges of one quote, and the share of the quote's letters that is in them. around has the text before and after the
  // quote in the snapshot, which tells apart places with the same words.
  return function seek(quote, around = ['', '']) {
    const words = (fold(quote).match(word) || []).slice(0, 400), whole = words.join(''), near = around.map(lettersOf);
    if (whole === '') return {share: 0, ranges: []};
    for (const hiddenToo of [false, true]) {
      const page = gathered(hiddenToo), place = best(page, whole, near);
      if (place) return {share: 1, ranges: rangesOf(page, [[place.at, place.at + whole.length]])};
    }
    let most = {share: 0, ranges: []};
    for (const hiddenToo of [false, true]) {
      const page = gathered(hiddenToo), found = align(page, words, near);
      if (found.letters >= Math.min(8, whole.length) && found.share > most.share) most = {share: found.share, ranges: rangesOf(page, found.runs)};
      if (most.share >= enough) break;
    }
    return most;
  };
}
