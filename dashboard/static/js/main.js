// Finds [data-widget] elements, now and whenever htmx brings new ones, and gives each to its module in widgets/.
import { start as startClock } from "./clock.js";
import { start as startConfirm } from "./confirm.js";
import * as live from "./live.js";

const mounted = new WeakMap(); // element → how to unmount it, or a promise of that

async function mount(element) {
  if (mounted.has(element)) return;
  const ready = import(`./widgets/${element.dataset.widget}.js`).then((module) => module.mount(element, live));
  mounted.set(element, ready);
  try {
    await ready;
  } catch (error) {
    element.dataset.state = "error";
    console.error(`The widget ${element.dataset.widget} could not start.`, error);
  }
}

async function unmount(element) {
  const ready = mounted.get(element);
  mounted.delete(element);
  const stop = await ready?.catch(() => null);
  if (typeof stop === "function") stop();
}

function mountAll(root) {
  if (root.matches?.("[data-widget]")) mount(root);
  for (const element of root.querySelectorAll("[data-widget]")) mount(element);
}

document.addEventListener("htmx:load", (event) => mountAll(event.detail.elt));
document.addEventListener("htmx:beforeCleanupElement", (event) => unmount(event.detail.elt));
// A form that was not right comes back with 400 and its explanations: show it like any answer.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 400) event.detail.shouldSwap = true;
});

mountAll(document);
startClock();
startConfirm();
live.connect();
