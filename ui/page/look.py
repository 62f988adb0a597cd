"""The page's style sheet.

Colours derive from the text colour of the theme in force, so that light and dark both stay readable; what is
not text (bar, marker) has a hue of its own that stands on either ground.
"""

# Drawn here: an icon by name is fetched from the network by the browser.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
    '<rect x="2" y="13" width="20" height="7" rx="2" fill="#f0b429"/>'
    '<path d="M4 11h16v2H4zM4 5h16v2H4z" fill="#0b6b5d"/></svg>'
)
STYLE = """
<style>
.stApp { --sw-line: color-mix(in srgb, currentColor 15%, transparent);
  --sw-quiet: color-mix(in srgb, currentColor 74%, transparent);
  --sw-ground: color-mix(in srgb, currentColor 3%, transparent);
  --sw-accent: #1f9480; --sw-marker: color-mix(in srgb, #f0b429 42%, transparent);
  --sw-serif: "Source Serif", "Source Serif 4", Georgia, "Noto Serif SC", "Songti SC", serif;
  --sw-mono: "Source Code Pro", "Source Code", ui-monospace, monospace; }
[data-testid="stMainBlockContainer"] { max-width: 62rem; padding: 1.6rem 2rem 5rem; }
[data-testid="stHeader"] { background: transparent; height: 2.2rem; min-height: 0; pointer-events: none; }
[data-testid="stHeader"] * { pointer-events: auto; }
[data-testid="InputInstructions"] { display: none; }
:focus-visible { outline: 2px solid var(--sw-accent); outline-offset: 2px; }
[data-testid="stTextInputRootElement"] input:focus-visible { outline: none; }
[data-testid="stCaptionContainer"] { color: var(--sw-quiet); opacity: 1; }
[data-testid="stCaptionContainer"] p { color: inherit; }
[data-testid="stSliderThumbValue"] { color: inherit !important; }
button[data-variant="segmented_control"] { color: inherit !important; }
.st-key-frame { border-bottom: 1px solid var(--sw-line); padding-bottom: .55rem; margin-bottom: .9rem; }
.sw-name { font-family: var(--sw-serif); font-size: 1.4rem; font-weight: 700; letter-spacing: -.02em;
  line-height: 1.2; margin: 0 .9rem 0 0; }
.st-key-frame [data-testid="stPageLink-NavLink"] { padding: .3rem .6rem; background: transparent;
  border-radius: 6px; }
.st-key-frame [data-testid="stPageLink-NavLink"]:hover { background: var(--sw-ground); }
.st-key-frame [data-testid="stPageLink-NavLink"] p { font-size: .95rem; font-weight: 400; }
.st-key-tab_here [data-testid="stPageLink-NavLink"] p { font-weight: 650; }
.st-key-tab_here [data-testid="stPageLink-NavLink"] { position: relative; }
.st-key-tab_here [data-testid="stPageLink-NavLink"]::after { content: ""; position: absolute;
  left: .6rem; right: .6rem; bottom: -.72rem; height: 2px; background: var(--sw-accent); }
.st-key-question_box [data-testid="stTextInputRootElement"] { height: 3.3rem; border-radius: 10px; }
.st-key-question_box input { font-size: 1.15rem; padding: 0 1.1rem; }
.st-key-ask_button button { min-height: 3.3rem; padding: 0 1.6rem; border-radius: 10px; }
.st-key-bar { margin-top: -.35rem; }
.st-key-bar button { min-height: 2.1rem; padding: .1rem .7rem; font-size: .9rem; }
.st-key-bar button p { font-size: .9rem; }
.st-key-history { gap: .2rem; }
.st-key-history [data-testid="stPageLink-NavLink"] { padding: .1rem 0; background: transparent; }
.st-key-history [data-testid="stPageLink-NavLink"] p { white-space: normal; }
.st-key-history [data-testid="stPageLink-NavLink"]:hover p { text-decoration: underline; }
.st-key-history .sw-note { margin: 0 0 .4rem; }
[class*="st-key-example_"] button { height: auto; min-height: 0; padding: .2rem 0; text-align: left; }
[class*="st-key-example_"] button p { white-space: normal; font-size: 1.02rem; }
.st-key-examples { gap: .1rem; }
.sw-card, .st-key-answer, [class*="st-key-claim_"] { border: 1px solid var(--sw-line); border-radius: 14px;
  padding: 1.5rem 1.7rem 1.3rem; background: var(--sw-ground); }
.sw-answered { margin: 0; }
.sw-kicker { margin: 0; font-size: .78rem; font-weight: 600; letter-spacing: .08em;
  text-transform: uppercase; color: var(--sw-quiet); }
.sw-answer { font-family: var(--sw-serif); font-weight: 600; line-height: 1.18; letter-spacing: -.012em;
  font-size: clamp(1.55rem, 1.1rem + 2.2vw, 2.5rem); margin: .25rem 0 .75rem; overflow-wrap: anywhere; }
.sw-confidence { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .7rem;
  margin: 0 0 1.1rem; font-size: .95rem; }
.sw-bar { width: 7.5rem; height: .42rem; border-radius: 1rem; overflow: hidden; flex: none;
  background: color-mix(in srgb, currentColor 18%, transparent); }
.sw-bar > span { display: block; height: 100%; border-radius: 1rem; background: var(--sw-accent); }
.sw-agree { padding-left: .7rem; border-left: 1px solid var(--sw-line); }
.sw-sentence { margin: 0 0 1rem; padding: 0 0 0 1rem; line-height: 1.55; font-size: 1.05rem;
  overflow-wrap: anywhere; border-left: 2px solid var(--sw-accent); }
.sw-source, .sw-document-head h1, .sw-document-head .sw-note { text-align: left; }
.sw-source { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.sw-path { margin: .1rem 0 0; font-family: var(--sw-mono); font-size: .8rem; overflow-wrap: anywhere;
  color: var(--sw-quiet); }
.st-key-also_in [data-testid="stExpander"] details { border: 0; background: transparent; }
.st-key-also_in [data-testid="stExpander"] summary { padding: .2rem 0; background: transparent; }
.st-key-also_in [data-testid="stExpanderDetails"] { padding: 0; }
.st-key-also_in .sw-note { margin: 0; }
.st-key-also_in [data-testid="stPageLink-NavLink"] { padding: .2rem 0; background: transparent; }
.st-key-also_in [data-testid="stPageLink-NavLink"] p { font-size: .9rem; line-height: 1.35;
  white-space: normal; text-decoration: underline; text-decoration-color: var(--sw-quiet);
  text-underline-offset: .2em; }
.st-key-also_in [data-testid="stPageLink-NavLink"]:hover p { text-decoration-thickness: 2px; }
.sw-note { margin: .3rem 0 0; font-size: .875rem; font-weight: 400; color: var(--sw-quiet); }
.sw-confidence .sw-note { margin: 0; }
.sw-reason { font-size: 1.05rem; line-height: 1.5; margin: 0; max-width: 62ch; }
.st-key-answer_actions { margin-top: .2rem; }
.st-key-answer_actions button { min-height: 2.2rem; }
[data-testid="stPageLink-NavLink"] { border-radius: 8px; }
.st-key-answer_actions [data-testid="stPageLink-NavLink"],
[class*="st-key-other_"] [data-testid="stPageLink-NavLink"],
[class*="st-key-passage_"] [data-testid="stPageLink-NavLink"] { padding: .25rem 0; background: transparent; }
.st-key-answer_actions [data-testid="stPageLink-NavLink"]:hover p,
[class*="st-key-other_"] [data-testid="stPageLink-NavLink"]:hover p,
[class*="st-key-passage_"] [data-testid="stPageLink-NavLink"]:hover p { text-decoration: underline; }
.st-key-answer_actions [data-testid="stPageLink-NavLink"] p { font-weight: 600; }
.sw-passage { padding: .3rem 0 0; }
.sw-passage h2, .sw-head { font-size: 1.05rem; font-weight: 650; margin: .6rem 0 .4rem; padding: 0; }
.sw-text { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.62; max-width: 74ch;
  font-family: var(--sw-serif); font-size: 1.03rem; }
mark { background: var(--sw-marker); color: inherit; font-weight: 600; border-radius: 3px;
  padding: .05em .15em; box-decoration-break: clone; -webkit-box-decoration-break: clone; }
.sw-list { margin: 0; padding-left: 1.9rem; }
.sw-list > li { padding: .9rem 0 1rem .3rem; border-bottom: 1px solid var(--sw-line); }
.sw-list > li:last-child { border-bottom: 0; }
.sw-list > li::marker { font-weight: 600; color: var(--sw-quiet); }
.sw-hits .sw-text, .sw-hit .sw-text { margin: .45rem 0 0; font-size: 1rem; }
.sw-hit mark { font-weight: 600; padding: 0 .1em; }
[class*="st-key-passage_"], [class*="st-key-other_"] { border-top: 1px solid var(--sw-line);
  padding-top: .9rem; gap: .4rem; }
.sw-hit, .sw-other { position: relative; padding-left: 2.1rem; }
.sw-number { position: absolute; left: 0; top: .1rem; font-weight: 600; color: var(--sw-quiet);
  font-variant-numeric: tabular-nums; }
[class*="st-key-passage_"] [data-testid="stPageLink"],
[class*="st-key-other_"] [data-testid="stPageLink"] { margin-left: 2.1rem; }
.sw-other-head { margin: 0 0 .3rem; }
.sw-other-head strong { font-family: var(--sw-serif); font-size: 1.3rem; font-weight: 600;
  overflow-wrap: anywhere; }
.sw-other .sw-confidence { margin-bottom: .5rem; }
.sw-other .sw-sentence { margin-bottom: .5rem; font-size: 1rem; border-left-color: var(--sw-line); }
.sw-welcome { padding: 1.4rem 0 .2rem; }
.sw-welcome p { margin: 0; max-width: 62ch; }
.sw-welcome .sw-lead { font-family: var(--sw-serif); font-size: 1.75rem; font-weight: 600;
  letter-spacing: -.015em; line-height: 1.25; margin-bottom: .3rem; }
.sw-welcome .sw-note { margin-top: .5rem; }
.sw-summary { border: 1px solid var(--sw-line); border-radius: 10px; padding: .8rem 1.1rem; }
.sw-summary p { margin: 0; font-weight: 600; }
.sw-summary ul { margin: .3rem 0 0; padding-left: 1.1rem; }
.sw-summary ul:empty { display: none; }
dl.sw-facts { display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; margin: 0; padding: 0; }
.sw-facts > div { margin: 0; padding: 0; }
.sw-facts dt { font-size: .8rem; color: var(--sw-quiet); }
.sw-facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.sw-document-head h1 { font-family: var(--sw-serif); font-size: 1.7rem; font-weight: 600;
  letter-spacing: -.015em; line-height: 1.2; margin: 0; padding: 0; overflow-wrap: anywhere; }
.sw-document { max-height: min(72vh, 60rem); overflow: auto; border: 1px solid var(--sw-line);
  border-radius: 14px; padding: 1.2rem 1.7rem; }
.sw-document h2, .sw-document h3, .sw-document h4, .sw-document h5, .sw-document h6 {
  font-family: var(--sw-serif); font-weight: 600; line-height: 1.3; margin: 1.3rem 0 .4rem; padding: 0; }
.sw-document h2 { font-size: 1.45rem; }
.sw-document h3 { font-size: 1.2rem; }
.sw-document h4, .sw-document h5, .sw-document h6 { font-size: 1.05rem; }
.sw-document p.sw-text { margin: 0 0 .8rem; }
.sw-page-rule { border-top: 1px dashed var(--sw-line); margin: 1.2rem 0 .6rem; padding-top: .3rem;
  font-size: .8rem; color: var(--sw-quiet); }
mark.sw-here { outline: 2px solid #c05614; outline-offset: 1px; }
mark.sw-also-here { background: color-mix(in srgb, #f0b429 22%, transparent); font-weight: inherit; }
.st-key-page_picture img { border: 1px solid var(--sw-line); border-radius: 6px; }
.sw-why h3 { font-size: .95rem; font-weight: 600; margin: .9rem 0 .3rem; padding: 0; }
.sw-why h3:first-child { margin-top: 0; }
.sw-why .sw-text { font-size: 1rem; margin-bottom: .5rem; }
.sw-why u { text-decoration: underline solid 2px; text-underline-offset: .25em; }
.sw-w { border-radius: 3px; box-decoration-break: clone; -webkit-box-decoration-break: clone; }
.sw-for { background: color-mix(in srgb, #2e7fd6 var(--sw-share), transparent); }
.sw-against { background: color-mix(in srgb, #e07b12 var(--sw-share), transparent);
  border-bottom: 2px dotted color-mix(in srgb, currentColor 55%, transparent); }
.sw-legend { margin: .3rem 0 0; font-size: .85rem; }
table.sw-scores { border-collapse: collapse; font-size: .9rem; }
.sw-scores th, .sw-scores td { border: 0; padding: .15rem 1.2rem .15rem 0; text-align: left;
  vertical-align: top; overflow-wrap: break-word; }
.sw-scores th { font-weight: 400; }
.sw-scores td { font-weight: 600; }
@media (max-width: 640px) {
  .st-key-frame [data-testid="stPageLink-NavLink"] { padding: .25rem .4rem; }
  .st-key-tab_here [data-testid="stPageLink-NavLink"]::after { bottom: 0; left: .4rem; right: .4rem; }
  .sw-name { margin-right: .4rem; }
  [data-testid="stMainBlockContainer"] { padding: 2.2rem 1rem 4rem; }
  .sw-card, .st-key-answer, [class*="st-key-claim_"], .sw-document { padding: 1.05rem 1.1rem; }
  .st-key-ask_button button { padding: 0 1rem; }
  .st-key-bar { gap: .35rem; }
  .st-key-bar button { padding: .1rem .35rem; }
  .st-key-bar button p { font-size: .82rem; }
  .sw-list { padding-left: 1.5rem; }
  .sw-hit, .sw-other { padding-left: 1.5rem; }
  [class*="st-key-passage_"] [data-testid="stPageLink"],
  [class*="st-key-other_"] [data-testid="stPageLink"] { margin-left: 1.5rem; }
  .sw-agree { padding-left: 0; border-left: 0; }
}
@media (prefers-reduced-motion: reduce) { * { animation-duration: .01ms !important; } }
</style>
"""

# Constant, no text gets into it. The question box has the caret when the page opens, and "/" brings it back.
# Those who listen to the page are told its language and which tab is open.
FOCUS = """
<script>
(() => {
  const box = () => document.querySelector('.st-key-question_box input');
  const busy = () => document.activeElement && document.activeElement !== document.body;
  const wait = (tries) => { const input = box();
    if (input) { if (!busy() && matchMedia('(pointer: fine)').matches) input.focus(); }
    else if (tries) setTimeout(() => wait(tries - 1), 50); };
  if (window.spanwiseFocus) return;
  window.spanwiseFocus = true;
  wait(60);
  const tell = () => {
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
  new MutationObserver(tell).observe(document.body, {childList: true, subtree: true, attributes: true,
    attributeFilter: ['class', 'lang']});
  tell();
  document.addEventListener('keydown', (event) => {
    const typing = /^(input|textarea|select)$/i.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === '/' && !typing && box()) { event.preventDefault(); box().focus(); box().select(); }
  });
})();
</script>
"""

# Scrolls the document to the words that are looked at; PLACE is a number.
SCROLL = """
<script>
(() => { /* PLACE */
  const go = (tries) => { const mark = document.querySelector('mark.sw-here');
    const box = mark && mark.closest('.sw-document');
    if (box) box.scrollTop += mark.getBoundingClientRect().top - box.getBoundingClientRect().top
      - box.clientHeight / 3;
    else if (tries) setTimeout(() => go(tries - 1), 50); };
  go(40);
})();
</script>
"""
