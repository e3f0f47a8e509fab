// One box that ticks all boxes of its table, and shows whether all, some or none are ticked.

export function mount(element) {
  const all = element.querySelector('[data-act="all"]');
  const boxes = [...element.querySelectorAll('tbody input[type="checkbox"]')];

  function show() {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = boxes.length > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }

  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
  });
  for (const box of boxes) box.addEventListener("change", show);
  show();
}
