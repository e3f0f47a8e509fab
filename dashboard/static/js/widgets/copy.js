// A button that copies its data-copy, and says so.

export async function toClipboard(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("The browser did not allow copying.");
  return undefined;
}

export function say(button, text) {
  const before = button.innerHTML;
  const width = button.offsetWidth;
  button.textContent = text;
  button.classList.add("said");
  setTimeout(() => {
    button.innerHTML = before;
    button.classList.remove("said");
  }, 1400);
  return width;
}

export function mount(element) {
  async function copy() {
    try {
      await toClipboard(element.dataset.copy);
      say(element, "Copied");
    } catch {
      say(element, "Not copied");
    }
  }
  element.addEventListener("click", copy);
  return () => element.removeEventListener("click", copy);
}
