// A secret: masked until its owner wants to see it, copied without being shown.
import { toClipboard } from "./copy.js";

const MASK = "••••••••••••••••••••";

export function mount(element) {
  const text = element.querySelector("code");
  const reveal = element.querySelector('[data-act="reveal"]');
  const copy = element.querySelector('[data-act="copy"]');
  const status = Object.assign(document.createElement("span"), { className: "small faint", role: "status" });
  copy.before(status);

  reveal.addEventListener("click", () => {
    const open = reveal.getAttribute("aria-pressed") !== "true";
    reveal.setAttribute("aria-pressed", String(open));
    element.classList.toggle("open", open);
    text.textContent = open ? element.dataset.secret : element.dataset.shown + MASK;
  });
  copy.addEventListener("click", async () => {
    try {
      await toClipboard(element.dataset.secret);
      status.textContent = "Copied";
    } catch {
      status.textContent = "Show it and copy by hand";
    }
    setTimeout(() => {
      status.textContent = "";
    }, 1600);
  });
}
