// Requests to our own server.

import { text } from "./texts.js";
import { setServerTime } from "./times.js";

const csrf = document.body.dataset.csrf;

/** What the server refused: its words, the field, and the thing as it is now when somebody else was faster. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail ?? text("failed"));
    this.status = status;
    this.field = problem.field;
    this.problem = problem;
  }
}

/** Let through what the server refused; anything else is a fault of ours. */
export function expectRefusal(error) {
  if (!(error instanceof Refusal)) throw error;
}

/** Whether the request may well succeed later: nobody answered, or somebody in the server's place. */
export const isServerAway = (error) => !error.status || error.status >= 500;

/** Ask the JSON API; the answer's body, or a Refusal. */
export async function api(method, path, body) {
  const answer = await asked(`/api/v1${path}`, {
    method,
    headers: { "X-CSRF-Token": csrf, ...(body && { "Content-Type": "application/json" }) },
    body: body && JSON.stringify(body),
    // What somebody wrote arrives although they leave the page.
    keepalive: Boolean(body),
  });
  const given = answer.status === 204 ? null : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, given ?? {});
  return given;
}

/** A part of a page, as text. */
export async function part(path) {
  const answer = await asked(path, { headers: { "HX-Request": "true" } });
  if (!answer.ok) throw new Refusal(answer.status, {});
  return answer.text();
}

async function asked(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch {
    throw new Refusal(0, { detail: text("offline") });
  }
  setServerTime(answer.headers.get("Date"));
  // The session is over: there is nothing to do here without it.
  if (answer.status === 401) location.reload();
  return answer;
}
