// Makes pages quicker; every page works without it.
"use strict";
(() => {
  const typing = (element) => element && /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
  const palette = document.getElementById("palette");
  const results = document.getElementById("palette-results");
  const field = palette?.querySelector("input");
  let asked = 0;
  let timer;

  const suggest = async () => {
    const turn = ++asked;
    const q = field.value.trim();
    if (!q) { results.replaceChildren(); return; }
    try {
      const answer = await fetch(`/search/suggestions?q=${encodeURIComponent(q)}`);
      const text = answer.ok ? await answer.text() : "";
      // An answer that comes after a later question's is dropped.
      if (turn === asked) results.innerHTML = text;
    } catch {
      if (turn === asked) results.textContent = "No answer. Press Enter to search.";
    }
  };

  field?.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(suggest, 120); });
  palette?.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const stops = [field, ...results.querySelectorAll("a")];
    const step = event.key === "ArrowDown" ? 1 : -1;
    stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length].focus();
  });
  palette?.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      palette?.showModal();
      field?.select();
    } else if (event.key === "/" && !typing(document.activeElement)) {
      event.preventDefault();
      document.querySelector(".find input")?.focus();
    }
  });

  // A filter takes effect when it is chosen; the button stays for those without scripts.
  const facets = document.querySelector("form.facets");
  facets?.addEventListener("change", (event) => {
    if (event.target.matches("input[type=checkbox], select")) facets.requestSubmit();
  });

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    });
  }

  // Long work says that it is under way, and is not begun twice.
  for (const form of document.querySelectorAll("form[data-long]")) {
    form.addEventListener("submit", () => {
      const button = form.querySelector("button.main");
      const bar = document.createElement("progress");
      bar.setAttribute("aria-label", "Under way");
      button.disabled = true;
      button.after(bar);
    });
  }

  // What was typed is not lost by a slip.
  const form = document.querySelector("form.form[method=post]");
  if (form) {
    let dirty = false;
    form.addEventListener("input", () => { dirty = true; });
    form.addEventListener("submit", () => { dirty = false; });
    addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  }
})();
