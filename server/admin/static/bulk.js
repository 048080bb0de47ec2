// Ticking all at once, and a field for a value only where the change has one.

const form = document.querySelector("[data-bulk]");
const tickAll = form?.querySelector("[data-tick-all]");
tickAll?.addEventListener("change", () => {
  for (const box of form.querySelectorAll("[name=sku]")) box.checked = tickAll.checked;
});
const legend = form?.querySelector("legend");
form?.addEventListener("change", () => {
  const ticked = form.querySelectorAll("[name=sku]:checked").length;
  if (legend) legend.textContent = ticked ? `Change the ${ticked} that are ticked` : "Change the ticked ones";
});
form?.addEventListener("submit", (event) => {
  if (action?.value === "delete" && !window.confirm("Delete them for good? Nobody can bring them back.")) {
    event.preventDefault();
  }
});
const action = form?.querySelector("[name=action]");
const value = form?.querySelector("[data-value]");
if (action) {
  const show = () => {
    value.hidden = !("needsValue" in action.selectedOptions[0].dataset);
  };
  action.addEventListener("change", show);
  show();
}
