// Filters take effect when they are changed; empty ones stay out of the address.

export function mount(element) {
  element.addEventListener("change", () => {
    for (const field of element.elements) {
      if (field.name && !field.value) field.disabled = true;
    }
    element.requestSubmit();
  });
}
