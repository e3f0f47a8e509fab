// The state of the page's live connection, in words.
import { span } from "../format.js";

const WORDS = { loading: "Connecting", live: "Live", disconnected: "Reconnecting", error: "Signed out" };

export function mount(element, live) {
  const text = element.querySelector(".link-text");
  return live.watch((status, heardAt) => {
    element.dataset.state = status;
    text.textContent = status === "stale" ? `Silent for ${span((Date.now() - heardAt) / 1000)}` : WORDS[status];
  });
}
