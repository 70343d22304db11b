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

  // All rows of a page at once.
  for (const all of document.querySelectorAll("[data-all]")) {
    all.addEventListener("change", () => {
      for (const box of document.querySelectorAll(`input[form="${all.dataset.all}"]`)) box.checked = all.checked;
    });
  }

  // A long list of scopes is narrowed by typing.
  for (const filter of document.querySelectorAll("[data-filter]")) {
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/);
      for (const item of document.getElementById(filter.dataset.filter).children) {
        const text = item.textContent.toLowerCase();
        item.hidden = !words.every((word) => text.includes(word));
      }
    });
    filter.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }

  // A class taken from the tree goes into the first row that is still empty.
  for (const take of document.querySelectorAll("[data-take]")) {
    take.addEventListener("click", () => {
      const rows = take.closest(".field").querySelectorAll("tbody tr");
      const free = [...rows].map((row) => row.querySelector("input")).find((input) => input && !input.value);
      if (!free) return;
      free.value = take.dataset.take;
      free.dispatchEvent(new Event("input", { bubbles: true }));
      free.focus();
    });
  }

  // Suggestions for a field follow what is typed into it.
  for (const form of document.querySelectorAll("form[data-suggest]")) {
    for (const input of form.querySelectorAll("input[list]")) {
      if (!["api", "system"].includes(input.name)) continue;
      let wait;
      input.addEventListener("input", () => {
        clearTimeout(wait);
        wait = setTimeout(async () => {
          const asked = input.value;
          const query = new URLSearchParams({ field: input.name, q: asked });
          const answer = await fetch(`${form.dataset.suggest}?${query}`).catch(() => null);
          if (answer?.ok && input.value === asked) input.list.innerHTML = await answer.text();
        }, 150);
      });
    }
  }

  // What is typed is kept before it is saved.
  for (const form of document.querySelectorAll("form[data-draft]")) {
    const kept = form.querySelector("[data-kept]");
    let wait;
    form.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(async () => {
        const fields = new URLSearchParams(new FormData(form));
        fields.set("draft", form.dataset.draft);
        const answer = await fetch("/drafts", { method: "POST", body: fields }).catch(() => null);
        if (kept) kept.textContent = answer?.ok ? "Kept as a draft." : "Could not be kept.";
      }, 800);
    });
    form.addEventListener("submit", () => clearTimeout(wait));
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
