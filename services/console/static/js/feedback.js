/** Thumbs up and down below an answer, and what is to be said about it. */

import { h, icon } from "./dom.js";

const COMMENT_CHARACTERS_MAX = 2_000;
const NAMES = { up: "Good answer", down: "Bad answer" };
const THUMB_UP = "M7 11v9H4a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1h3zM7 11l4-8a2.5 2.5 0 0 1 2.5 2.5V9h5.4a2 2 0 0 1 2 2.3l-1.2 7a2 2 0 0 1-2 1.7H7";
const THUMB_DOWN = "M17 13V4h3a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-3zM17 13l-4 8a2.5 2.5 0 0 1-2.5-2.5V15H5.1a2 2 0 0 1-2-2.3l1.2-7a2 2 0 0 1 2-1.7H17";
const ICONS = { up: THUMB_UP, down: THUMB_DOWN };

export class Thumbs {
  /** `turn`: `turn_id`, `conversation_id`, and `rating` where it was rated before. `actions`: `rate(feedback)`, `say(text)`. */
  constructor(turn, actions) {
    this.turn = turn;
    this.actions = actions;
    this.rating = turn.rating?.rating ?? "";
    this.buttons = Object.fromEntries(Object.keys(NAMES).map((rating) => [rating, this.#button(rating)]));
    this.comment = h("input.comment", { type: "text", maxlength: COMMENT_CHARACTERS_MAX, placeholder: "What was good or bad? (optional)", "aria-label": "Comment on this answer" });
    this.comment.value = turn.rating?.comment ?? "";
    this.told = h("span.hint", { role: "status" });
    this.form = h("form.comment-form", { hidden: true, onsubmit: (event) => { event.preventDefault(); this.#send(this.rating, true); } }, this.comment, h("button.link", { type: "submit" }, "Send comment"));
    this.element = h("div.thumbs", { role: "group", "aria-label": "Rate this answer" }, Object.values(this.buttons), this.form, this.told);
    this.#draw();
  }

  #button(rating) {
    return h("button.thumb", { type: "button", "aria-label": NAMES[rating], title: NAMES[rating], "data-rating": rating, onclick: () => this.#send(rating, false) }, icon(ICONS[rating]));
  }

  async #send(rating, final) {
    const before = this.rating;
    this.rating = rating;
    this.#draw();
    try {
      await this.actions.rate({ turn_id: this.turn.turn_id, conversation_id: this.turn.conversation_id, rating, comment: this.comment.value.trim() });
      this.form.hidden = final;
      this.told.textContent = "Thank you";
      if (!final) this.comment.focus({ preventScroll: true });
      else this.buttons[rating].focus({ preventScroll: true });
    } catch (error) {
      this.rating = before;
      this.told.textContent = error.message;
    }
    this.#draw();
  }

  #draw() {
    for (const [rating, button] of Object.entries(this.buttons)) button.setAttribute("aria-pressed", String(rating === this.rating));
  }
}
