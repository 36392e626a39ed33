// scrollDown scrolls down the page, one screen at a time, so that the page loads and shows the content that becomes visible. It takes at
// most ms milliseconds. It returns the height of the page, and whether the end was reached.
async function scrollDown(ms) {
  const end = performance.now() + ms, frame = () => new Promise(done => { setTimeout(done, 50); requestAnimationFrame(() => setTimeout(done, 0)); });
  // box is the page itself, or its largest scrolling element.
  let box = document.scrollingElement || document.documentElement;
  if (box.scrollHeight <= innerHeight + 20) {
    let looked = 0;
    for (const el of document.querySelectorAll('body *')) {
      if (++looked > 3000) break;
      if (el.scrollHeight > el.clientHeight + 100 && el.clientHeight > innerHeight / 2 && el.clientWidth > innerWidth / 2 && /auto|scroll/.test(getComputedStyle(el).overflowY)) { box = el; break; }
    }
  }
  const screen = Math.max(200, Math.min(box.clientHeight, innerHeight));
  let y = box.scrollTop;
  while (y + screen < box.scrollHeight - 1) {
    if (performance.now() > end) return {height: box.scrollHeight, done: false};
    y += screen * 0.9;
    box.scrollTop = y;
    await frame();
  }
  return {height: box.scrollHeight, done: true};
}
