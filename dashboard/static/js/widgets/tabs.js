// Radio buttons that choose which of several parts is shown.

export function mount(element) {
  element.addEventListener("change", (event) => {
    if (event.target.type !== "radio") return;
    for (const part of element.querySelectorAll("[data-tab]")) part.hidden = part.dataset.tab !== event.target.value;
  });
}
