// Buttons with data-confirm ask first, in a dialog of the page. An option of theirs becomes a value of the form.

function fill(dialog, button) {
  const { confirm, confirmText = "", confirmButton = "Confirm", confirmOption, confirmOptionLabel } = button.dataset;
  dialog.querySelector(".confirm-title").textContent = confirm;
  dialog.querySelector(".confirm-text").textContent = confirmText;
  dialog.querySelector('[value="yes"]').textContent = confirmButton;
  dialog.querySelector(".confirm-option")?.remove();
  if (!confirmOption) return;
  const label = document.createElement("label");
  label.className = "form-check confirm-option mt-3";
  const box = Object.assign(document.createElement("input"), { type: "checkbox", className: "form-check-input" });
  const text = Object.assign(document.createElement("span"), { className: "form-check-label", textContent: confirmOptionLabel });
  label.append(box, text);
  dialog.querySelector(".confirm-text").after(label);
}

function ask(button) {
  const dialog = document.getElementById("confirm");
  fill(dialog, button);
  dialog.returnValue = "no";
  dialog.showModal();
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "yes") return;
      const chosen = dialog.querySelector(".confirm-option input")?.checked;
      if (button.dataset.confirmOption) button.value = chosen ? "1" : "";
      button.dataset.confirmed = "yes";
      button.click();
      delete button.dataset.confirmed;
    },
    { once: true },
  );
}

export function start() {
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest?.("[data-confirm]");
      if (!button || button.dataset.confirmed) return;
      event.preventDefault();
      event.stopPropagation();
      ask(button);
    },
    true,
  );
}
