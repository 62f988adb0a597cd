// The question box has the caret when the page opens, and "/" brings it back. Screen readers get the page's
// language and the tab that is open.
(() => {
  const box = () => document.querySelector('.st-key-question_box input');
  const busy = () => document.activeElement && document.activeElement !== document.body;
  const wait = (tries) => { const input = box();
    if (input) { if (!busy() && matchMedia('(pointer: fine)').matches) input.focus(); }
    else if (tries) setTimeout(() => wait(tries - 1), 50); };
  if (window.spanwiseFocus) return;
  window.spanwiseFocus = true;
  wait(60);
  const describe = () => {
    const name = document.querySelector('.sw-name'), frame = document.querySelector('.st-key-frame');
    if (name && name.lang && document.documentElement.lang !== name.lang)
      document.documentElement.lang = name.lang;
    if (!frame) return;
    if (frame.getAttribute('role') !== 'navigation') frame.setAttribute('role', 'navigation');
    for (const link of frame.querySelectorAll('a')) {
      const here = link.closest('.st-key-tab_here') !== null;
      if (here !== link.hasAttribute('aria-current'))
        here ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
    }
  };
  new MutationObserver(describe).observe(document.body, {childList: true, subtree: true, attributes: true,
    attributeFilter: ['class', 'lang']});
  describe();
  document.addEventListener('keydown', (event) => {
    const typing = /^(input|textarea|select)$/i.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === '/' && !typing && box()) { event.preventDefault(); box().focus(); box().select(); }
  });
})();
