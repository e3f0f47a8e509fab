// Keeps every <time data-time> of the page at the present moment.
import { moment } from "./format.js";

function tick() {
  const now = Date.now();
  for (const element of document.querySelectorAll('time[data-time]:not([data-time="clock"])')) {
    const text = moment(element.dataset.time, Date.parse(element.dateTime), now);
    if (element.textContent !== text) element.textContent = text;
  }
}

export function start() {
  setInterval(tick, 1000);
}
