// A page may outlive the session that it was opened in. After another login its forms go by that session's token.

export const token = () => document.querySelector("[name=csrf_token]").value;

// Takes the token that the answer to an old form brings. Whether the form may be sent again as it is: who is somebody
// else by now has to want that.
export function renewed(header) {
  const fresh = header("X-Vitrine-Token");
  if (!fresh) return false;
  for (const field of document.querySelectorAll("[name=csrf_token]")) field.value = fresh;
  const { account } = document.body.dataset;
  document.body.dataset.account = header("X-Vitrine-Account");
  return document.body.dataset.account === account;
}

// A request with the token, sent once more where only that was too old.
export async function send(address, options = {}) {
  const ask = () => {
    const headers = { Accept: "application/json", "X-CSRFToken": token(), ...options.headers };
    return fetch(address, { ...options, headers });
  };
  const answer = await ask();
  return renewed((name) => answer.headers.get(name)) ? ask() : answer;
}

// What was refused, to stand above a form; who is logged out gets a way in that leaves the form where it is.
export function alertOf(sentence, isOut) {
  const shown = Object.assign(document.createElement("p"), { className: "alert alert-danger", textContent: sentence });
  shown.setAttribute("role", "alert");
  if (isOut) {
    shown.dataset.out = "";
    shown.append(" ", loginLink());
  }
  return shown;
}

export function loginLink() {
  const properties = { href: document.body.dataset.login, target: "_blank", rel: "noopener", className: "alert-link" };
  return Object.assign(document.createElement("a"), properties, { textContent: "Log in in a new tab" });
}
