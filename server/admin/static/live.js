// Parts of a page that show what goes on: asked for again and again, with the tag of what is there already.

import { alertOf } from "./session.js";

const OUT = "You are logged out. What you typed is still here: log in in another tab, then go on.";
const PAUSE = 1000;
// While nobody looks at it, and after an answer that failed.
const LONG_PAUSE = 5000;

document.addEventListener("input", ({ target }) => {
  if (target.form) target.form.dataset.unsent = "";
});
for (const part of document.querySelectorAll("[data-live]")) watch(part);

async function watch(part) {
  let tag = "";
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, document.hidden ? LONG_PAUSE : Number(part.dataset.pause ?? PAUSE)));
    let answer;
    try {
      answer = await fetch(part.dataset.live, { cache: "no-store", headers: tag ? { "If-None-Match": tag } : {} });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, LONG_PAUSE));
      continue;
    }
    if (answer.redirected || answer.status === 401 || answer.status === 404) {
      const unsent = document.querySelector("form[data-unsent]");
      if (!unsent) {
        location.reload();
        return;
      }
      // Another page would take what is typed there with it. After another login it goes on.
      if (answer.status !== 404 && !document.querySelector("[data-out]")) {
        unsent.before(alertOf(OUT, true));
      }
      await new Promise((resolve) => setTimeout(resolve, LONG_PAUSE));
      continue;
    }
    if (answer.ok) {
      document.querySelector("[data-out]")?.remove();
      tag = answer.headers.get("ETag") ?? "";
      const html = await answer.text();
      // Whoever is at a button or a link of it by the keyboard stays there: the next answer will do.
      if (part.contains(document.activeElement) && !over(answer)) tag = "";
      else part.innerHTML = html;
    }
    if (over(answer)) {
      if ("reload" in part.dataset) location.reload();
      return;
    }
  }
}

function over(answer) {
  return answer.headers.get("X-Vitrine-Over") !== null;
}
