// Scrolls the document to the words that are shown.
(() => {
  const go = (tries) => { const mark = document.querySelector('mark.sw-here');
    const box = mark && mark.closest('.sw-document');
    if (box) box.scrollTop += mark.getBoundingClientRect().top - box.getBoundingClientRect().top
      - box.clientHeight / 3;
    else if (tries) setTimeout(() => go(tries - 1), 50); };
  go(40);
})();
