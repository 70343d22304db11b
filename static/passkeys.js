// Passkeys: the one thing that needs a script, since browsers offer them to scripts alone.
"use strict";
(() => {
  const able = window.PublicKeyCredential && PublicKeyCredential.parseCreationOptionsFromJSON;
  const ask = async (path, body, csrf) => {
    const headers = { "content-type": "application/json", accept: "application/json" };
    if (csrf) headers["x-csrf-token"] = csrf;
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body ?? {}) });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.problem || "That did not work. Try again.");
    return said;
  };
  const get = async () => {
    const options = PublicKeyCredential.parseRequestOptionsFromJSON(await ask("/sign-in/passkey/begin"));
    return (await navigator.credentials.get({ publicKey: options })).toJSON();
  };
  const ways = {
    "sign-in": async (button) => ask("/sign-in/passkey", { credential: await get(), back: button.dataset.back }),
    confirm: async (button) =>
      ask("/confirm/passkey", { credential: await get(), form: button.dataset.form }, button.dataset.csrf),
    add: async (button) => {
      const name = button.closest("form").querySelector("input[name=name]");
      if (!name.reportValidity()) return null;
      const options = await ask("/account/passkeys/begin", {}, button.dataset.csrf);
      const made = await navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
      });
      return ask("/account/passkeys", { name: name.value, credential: made.toJSON() }, button.dataset.csrf);
    },
  };
  for (const button of document.querySelectorAll("[data-passkey]")) {
    const problem = button.closest("form, section").querySelector("[data-passkey-problem]");
    const say = (text) => {
      problem.textContent = text;
      problem.hidden = !text;
    };
    button.hidden = !able;
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      say("");
      button.disabled = true;
      try {
        const done = await ways[button.dataset.passkey](button);
        if (done) window.location.assign(done.to);
      } catch (error) {
        const left = error.name === "NotAllowedError" || error.name === "AbortError";
        const known = error.name === "InvalidStateError";
        say(left ? "No passkey was given. Try again, or use another way." : known ? "This device has a passkey for you already." : error.message);
      } finally {
        button.disabled = false;
      }
    });
  }
})();
