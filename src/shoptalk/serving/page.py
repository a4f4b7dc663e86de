"""Pages of the server: one text each, with one script and one style that its policy names."""

from collections.abc import Mapping
from typing import Any

from shoptalk.reporting.style import HEAD

TOP = HEAD.replace("<style>", '<style nonce="{{ nonce }}">')
"""As ``reporting.style.HEAD``; ``BODY`` ends it."""

BODY = ' body { background: Canvas }\n</style><link rel="icon" href="data:,"></head><body>'

ASKING = """
const told = JSON.parse(document.getElementById("told").textContent);
const byId = (id) => document.getElementById(id);
function made(tag, options = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options))
    if (name in element) element[name] = value; else element.setAttribute(name, value);
  element.append(...inside);
  return element;
}
function cut(text, most) {
  if (text.length <= most) return [text];
  const end = text.codePointAt(most - 1) > 0xffff ? most - 1 : most;
  const rest = made("span", { hidden: true }, text.slice(end)), dots = made("span", {}, "… ");
  const more = made("button", { type: "button", className: "more", ariaExpanded: "false" }, "show all");
  more.addEventListener("click", () => {
    rest.hidden = !rest.hidden; dots.hidden = !rest.hidden;
    more.ariaExpanded = String(!rest.hidden); more.textContent = rest.hidden ? "show all" : "show less";
  });
  return [text.slice(0, end), rest, dots, more];
}
async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "X-Shoptalk-Token": told.token },
  };
  let answer;
  try { answer = await fetch(path, options); }
  catch { throw new Error("The server does not answer; start the command again and reload this page."); }
  const found = await answer.json().catch(() => ({ error: "The server's answer cannot be read; reload this page." }));
  if (!answer.ok) throw new Error(found.error);
  return found;
}
"""
"""Script of all pages: ``told`` is what the page was made with, ``made`` an element whose strings are text alone,
``cut`` a text whose end a button shows, ``ask`` a request that raises the server's sentence."""


TOLD = '<script type="application/json" id="told">{{ told|tojson }}</script>\n<script nonce="{{ nonce }}">'
"""Before a page's script."""


def rendered(template: str, nonce: str, told: Mapping[str, Any], **shown: Any) -> str:
    """``template`` with ``nonce``, what its script is ``told``, and what is ``shown``; all of it escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(template).render(nonce=nonce, told=told, **shown)
