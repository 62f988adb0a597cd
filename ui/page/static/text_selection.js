// The component of ui/page/widgets/text_selection.py: draws a text and reports what is selected in it.
const points = (text) => { let count = 0; for (const _ of text) count += 1; return count; };

const before = (box, node, offset) => {
  const range = document.createRange();
  range.setStart(box, 0);
  range.setEnd(node, offset);
  return range.toString();
};

const selectionIn = (box) => {
  const selection = document.getSelection();
  if (!selection || !selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  return box.contains(range.startContainer) && box.contains(range.endContainer) ? range : null;
};

export default function ({ parentElement, data, setStateValue }) {
  const box = parentElement.querySelector('.sw-selecting');
  const state = JSON.stringify([data.id, data.start, data.end]);
  box.setAttribute('aria-label', data.label);
  if (box.dataset.state !== state) {
    box.dataset.state = state;
    box.textContent = '';
    const characters = Array.from(data.text);
    const piece = (from, to) => characters.slice(from, to).join('');
    box.append(document.createTextNode(piece(0, data.start)));
    if (data.end > data.start) {
      const mark = document.createElement('mark');
      mark.textContent = piece(data.start, data.end);
      box.append(mark);
      const place = mark.offsetTop - box.offsetTop - box.clientHeight / 3;
      box.scrollTop = Math.max(place, 0);
    }
    box.append(document.createTextNode(piece(data.end, characters.length)));
  }
  const report = () => {
    const range = selectionIn(box);
    if (!range) return;
    const start = points(before(box, range.startContainer, range.startOffset));
    const text = range.toString();
    setStateValue('selection', { id: data.id, start, end: start + points(text), text });
  };
  box.addEventListener('mouseup', report);
  box.addEventListener('touchend', report);
  box.addEventListener('keyup', report);
  return () => {
    box.removeEventListener('mouseup', report);
    box.removeEventListener('touchend', report);
    box.removeEventListener('keyup', report);
  };
}
