// hideConsent removes consent requests that cover the page, and returns their number. They are recognised by the ids and classes of common
// frameworks, or because an element in front of the page mentions cookies and has a button. hideConsent also adds an attribute to each, so
// that the reader of the HTML can leave it out.
function hideConsent() {
  const known = ['#onetrust-consent-sdk', '#onetrust-banner-sdk', '#CybotCookiebotDialog', '#CybotCookiebotDialogBodyUnderlay',
    '.qc-cmp2-container', '#usercentrics-root', '#usercentrics-cmp-ui', '#didomi-host', '.fc-consent-root', '[id^="sp_message_container"]',
    '.truste_overlay', '.truste_box_overlay', '#truste-consent-track', '#cookie-law-info-bar', '.cli-modal', '.cc-window', '.cc-banner',
    '.osano-cm-window', '.klaro .cookie-notice', '.klaro .cookie-modal', '.iubenda-cs-container', '#iubenda-cs-banner', '#cookiescript_injected',
    '#tarteaucitronRoot', '.cmplz-cookiebanner', '#cmpbox', '#cmpbox2', '#cmpwrapper', '.evidon-banner', '#hs-eu-cookie-confirmation',
    '#gdpr-cookie-message', '#cookie-banner', '#cookie-notice', '#cookie-consent', '#cookieConsent', '.cookie-banner', '.cookie-consent',
    '.cookie-notice', '#BorlabsCookieBox', '#moove_gdpr_cookie_info_bar', '#ketch-consent-banner', '#transcend-consent-manager',
    '#ccc', '#axeptio_overlay', '#shopify-pc__banner', '[aria-label="cookieconsent"]', '.ch2-container', '#consent_blackbar'];
  const words = /cookie|consent|gdpr|ccpa|privacy|tracking|datenschutz|einwillig|zustimm|confidentialit|vie privée|privacidad|riservatezza|samtyck|integritet|toestemming|zgod|personvern/i;
  const press = /accept|agree|allow|reject|decline|refuse|got it|okay|\bok\b|close|dismiss|manage|settings|preferences|continue|understand|akzept|ablehn|verstanden|zustimm|einverstanden|accepte|refuser|aceptar|rechazar|accett|rifiut|godkänn|akkoord|weiger|zgadzam|godta|samtykk/i;
  const all = (document.body && document.body.textContent || '').length;
  let n = 0;
  const hide = el => {
    if (el === document.body || el === document.documentElement || el.hasAttribute('hidden')) return;
    el.setAttribute('hidden', '');
    el.style.setProperty('display', 'none', 'important');
    n++;
  };
  for (const selector of known) for (const el of document.querySelectorAll(selector)) {
    if ((el.textContent || '').length * 2 <= all || el.shadowRoot) hide(el);
  }
  const front = [];
  let looked = 0;
  for (const el of document.querySelectorAll('body *')) {
    if (++looked > 20000) break;
    const role = el.getAttribute('role');
    const dialog = el.localName === 'dialog' && el.open || role === 'dialog' || role === 'alertdialog' || el.getAttribute('aria-modal') === 'true';
    const position = dialog ? '' : getComputedStyle(el).position;
    if (dialog || position === 'fixed' || position === 'sticky') front.push(el);
  }
  for (const el of front) {
    const root = el.shadowRoot || el, text = root.textContent || '';
    if (text.length > 6000 || text.length * 2 > all && all > 1000 || !words.test(text + ' ' + el.id + ' ' + el.className)) continue;
    const buttons = [...root.querySelectorAll('button, a, [role=button], input[type=button], input[type=submit]')];
    if (buttons.some(b => press.test(b.textContent + ' ' + (b.value || '') + ' ' + (b.getAttribute('aria-label') || '')))) hide(el);
  }
  if (n > 0) {
    for (const el of front) { // the layer between the banner and the page
      const r = el.getBoundingClientRect();
      if (r.width >= innerWidth * 0.9 && r.height >= innerHeight * 0.9 && (el.textContent || '').trim().length < 20 && !el.querySelector('img,video,canvas,iframe,input')) hide(el);
    }
    for (const el of [document.documentElement, document.body]) {
      if (!el) continue;
      const style = getComputedStyle(el);
      if (style.overflowY === 'hidden' || style.overflowY === 'clip') el.style.setProperty('overflow', 'visible', 'important');
      if (style.position === 'fixed') el.style.setProperty('position', 'static', 'important');
      if (style.filter !== 'none') el.style.setProperty('filter', 'none', 'important');
    }
  }
  return n;
}
