// Keeps the chat box above the on-screen keyboard where the browser does not
// resize the page for it, and says when somebody writes on a small screen.

import { byId } from "./dom.js";

export function mountViewport() {
  const app = byId("app");
  const input = byId("chat-input");
  const view = window.visualViewport;
  const narrow = window.matchMedia("(max-width: 767.98px)");
  const touch = window.matchMedia("(pointer: coarse)");

  function update() {
    // A pinch-zoomed page keeps its size.
    const covered = view && view.scale < 1.05 ? window.innerHeight - view.height : 0;
    if (view && covered > 80) {
      app.style.setProperty("--k-viewport", `${Math.round(view.height)}px`);
      app.dataset.viewport = "";
      window.scrollTo(0, 0); // iOS moves the page to show the field, which is in view already
    } else {
      delete app.dataset.viewport;
      app.style.removeProperty("--k-viewport");
    }
    const height = view?.height ?? window.innerHeight;
    const typing = document.activeElement === input && narrow.matches && touch.matches && height < 560;
    app.toggleAttribute("data-typing", typing);
  }
  view?.addEventListener("resize", update);
  window.addEventListener("resize", update);
  input.addEventListener("focus", update);
  input.addEventListener("blur", update);
  update();
}
