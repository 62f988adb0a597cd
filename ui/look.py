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
[data-testid="stMainBlockContainer"] { max-width: 66rem; padding: 3rem 2rem 5rem; }
[data-testid="stHeader"] { background: transparent; }
[data-testid="InputInstructions"] { display: none; }
.st-key-question_box [data-testid="stTextInputRootElement"] { height: 3.3rem; }
.st-key-question_box input { font-size: 1.15rem; padding: 0 1rem; }
.st-key-ask_button button { min-height: 3.3rem; padding: 0 1.5rem; }
[class*="st-key-example_"] button { height: auto; text-align: left; }
[class*="st-key-example_"] button p { white-space: normal; }
.sw-name { font-family: "Source Serif", "Source Serif 4", Georgia, serif; font-size: 1.35rem;
  font-weight: 700; letter-spacing: -.02em; margin: 0 1rem 0 0; }
.sw-card { border: 1px solid color-mix(in srgb, currentColor 16%, transparent);
  border-left: 4px solid #8a8f98; border-radius: 10px; padding: 1.3rem 1.5rem 1.2rem; }
.sw-high { border-left-color: #1f9480; }
.sw-middle { border-left-color: #b7791f; }
.sw-low { border-left-color: #c05b4d; }
.sw-kicker { margin: 0; font-size: .78rem; letter-spacing: .07em; text-transform: uppercase;
  color: color-mix(in srgb, currentColor 72%, transparent); }
.sw-answer { font-family: "Source Serif", "Source Serif 4", Georgia, serif; font-weight: 600;
  font-size: clamp(1.55rem, 1.1rem + 2.2vw, 2.5rem); line-height: 1.2; letter-spacing: -.01em;
  margin: .25rem 0 .7rem; overflow-wrap: anywhere; }
.sw-confidence { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .7rem; margin: 0 0 1rem; }
.sw-bar { width: 9rem; height: .5rem; border-radius: 1rem; overflow: hidden; flex: none;
  background: color-mix(in srgb, currentColor 16%, transparent); }
.sw-bar > span { display: block; height: 100%; border-radius: 1rem; }
.sw-high .sw-bar > span { background: #1f9480; }
.sw-middle .sw-bar > span { background: #b7791f; }
.sw-low .sw-bar > span { background: #c05b4d; }
.sw-sentence { margin: 0 0 .9rem; padding: 0 0 0 .9rem; line-height: 1.55; overflow-wrap: anywhere;
  border-left: 2px solid color-mix(in srgb, currentColor 22%, transparent); }
.sw-source { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.sw-path { margin: .1rem 0 0; font-family: "Source Code Pro", "Source Code", monospace; font-size: .8rem;
  overflow-wrap: anywhere; color: color-mix(in srgb, currentColor 72%, transparent); }
.sw-also { margin: .1rem 0 0; padding-left: 1.1rem; }
.sw-note { margin: .3rem 0 0; font-size: .85rem; font-weight: 400;
  color: color-mix(in srgb, currentColor 72%, transparent); }
.sw-confidence .sw-note { margin: 0; }
.sw-reason { font-size: 1.05rem; line-height: 1.5; margin: 0; max-width: 62ch; }
.sw-passage h2, .sw-head { font-size: 1.05rem; font-weight: 600; margin: .4rem 0 .5rem; padding: 0; }
.sw-text { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.6; max-width: 78ch;
  font-family: "Source Serif", "Source Serif 4", Georgia, serif; font-size: 1.05rem; }
mark { background: color-mix(in srgb, #f0b429 42%, transparent); color: inherit; font-weight: 600;
  border-radius: 3px; padding: .05em .15em; box-decoration-break: clone;
  -webkit-box-decoration-break: clone; }
.sw-list { margin: 0; padding-left: 1.9rem; }
.sw-list > li { padding: .9rem 0 1rem .3rem;
  border-bottom: 1px solid color-mix(in srgb, currentColor 12%, transparent); }
.sw-list > li:last-child { border-bottom: 0; }
.sw-list > li::marker { font-weight: 600; color: color-mix(in srgb, currentColor 72%, transparent); }
.sw-hits .sw-text { margin: .45rem 0 0; font-size: 1rem; }
.sw-other { display: flex; flex-wrap: wrap; gap: .2rem .7rem; align-items: baseline; margin: 0 0 .4rem; }
.sw-other strong { font-size: 1.1rem; overflow-wrap: anywhere; }
.sw-welcome { padding: 1.2rem 0 .2rem; }
.sw-welcome p { margin: 0; max-width: 62ch; }
.sw-lead { font-family: "Source Serif", "Source Serif 4", Georgia, serif;
  font-size: 1.5rem; font-weight: 600; }
.sw-summary { border: 1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius: 10px;
  padding: .8rem 1.1rem; }
.sw-summary p { margin: 0; font-weight: 600; }
.sw-summary ul { margin: .3rem 0 0; padding-left: 1.1rem; }
.sw-summary ul:empty { display: none; }
dl.sw-facts { display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; margin: 0; padding: 0; }
.sw-facts > div { margin: 0; padding: 0; }
.sw-facts dt { font-size: .78rem; color: color-mix(in srgb, currentColor 72%, transparent); }
.sw-facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
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
  vertical-align: top; overflow-wrap: anywhere; }
.sw-scores th { font-weight: 400; }
.sw-scores td { font-weight: 600; }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding: 3.4rem 1rem 4rem; }
  .sw-card { padding: 1rem 1.05rem; }
  .sw-list { padding-left: 1.5rem; }
}
</style>
"""

# The question box has the caret when the page opens, and "/" brings it back; constant, no text gets into it.
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
  document.addEventListener('keydown', (event) => {
    const typing = /^(input|textarea|select)$/i.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === '/' && !typing && box()) { event.preventDefault(); box().focus(); box().select(); }
  });
})();
</script>
"""
