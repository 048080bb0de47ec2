// Ticking all at once, and a field for a value only where the change has one.

const form = document.querySelector("[data-bulk]");
const tickAll = form?.querySelector("[data-tick-all]");
tickAll?.addEventListener("change", () => {
  for (const box of form.querySelectorAll("[name=sku]")) box.checked = tickAll.checked;
});
const legend = form?.querySelector("legend");
const count = () => {
  const ticked = form.querySelectorAll("[name=sku]:checked").length;
  const those = ticked === 1 ? "the 1 that is ticked" : `the ${ticked} that are ticked`;
  if (legend) legend.textContent = ticked ? `Change ${those}` : "Change the ticked ones";
};
form?.addEventListener("change", count);
// Ticks may stand there from the start: of a change that was refused, or where a browser goes back.
if (form) count();
form?.addEventListener("submit", (event) => {
  // For all that were found, the next page asks.
  const asks = action?.value === "delete" && !form.querySelector("[name=all]").checked;
  if (asks && !window.confirm("Delete them for good? Nobody can bring them back.")) {
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
