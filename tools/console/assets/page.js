// Every page: a button that copies, beside each command and name; and a word when the console is gone.
"use strict";

const away = document.getElementById("away");

function withCopies(within) {
  for (const each of within.querySelectorAll("code, [data-copy]")) {
    const text = each.dataset.copy ?? each.textContent;
    if (each.nextElementSibling?.className === "copy" || !("copy" in each.dataset || text.startsWith("walletctl "))) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${text}`);
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(text).then(
        () => { button.textContent = "Copied"; },
        () => { button.textContent = "Not copied"; },
      );
    });
    each.after(button);
  }
}

withCopies(document);
document.addEventListener("htmx:afterSettle", (event) => withCopies(event.detail.elt.parentElement ?? document));
document.addEventListener("htmx:sendError", () => { away.hidden = false; });
document.addEventListener("htmx:afterOnLoad", () => { away.hidden = true; });
