// Of a new rule, the fields that its kind has.

const form = document.querySelector("[data-rule]");
const kind = form?.querySelector("[name=kind]");
if (kind) {
  const show = () => {
    for (const part of form.querySelectorAll("[data-kinds]")) {
      part.hidden = !part.dataset.kinds.split(" ").includes(kind.value);
    }
  };
  kind.addEventListener("change", show);
  show();
}
