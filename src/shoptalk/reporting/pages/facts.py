"""How to have the same again: environment, config, licences."""

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from shoptalk.efficiency.catalogue import Entry, entry_of
from shoptalk.reporting.pages.frame import rendered

TEMPLATE = """<h2>Environment and config</h2>
<table><tbody>{% for name, value in facts %}<tr><td>{{ name }}</td><td class="left">{{ value }}</td></tr>
{% endfor %}</tbody></table>
<details><summary>The whole config</summary><pre><code>{{ config }}</code></pre></details>
<h2>Licences</h2><ul>{% for sentence in licences %}<li>{{ sentence }}</li>
{% endfor %}</ul>"""


def section(metrics: Mapping[str, Any], config: Mapping[str, Any]) -> Any:
    """Markup.

    Args:
        config: the resolved config of the run.
    """
    return rendered(
        TEMPLATE,
        facts=facts(metrics),
        config=as_yaml(config),
        licences=licences(metrics, config),
    )


def as_yaml(config: Mapping[str, Any]) -> str:
    """As the config's file has it."""
    return OmegaConf.to_yaml(OmegaConf.create(dict(config)))


def facts(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value: the machine, the numbers that figures depend on, the versions."""
    told = metrics.get("environment", {})
    machine = [
        ("processor", f"{told['processor']}, {told['cores']} cores, {told['memory_gb'] or '?'} GB"),
        ("GPU", ", ".join(told["gpus"]) or "none"),
        ("system", f"{told['system']}, Python {told['python']}"),
    ] if told else []  # fmt: skip
    run = [
        (name.replace("_", " "), str(metrics[name]))
        for name in ("threads", "precision", "seed", "learning_rate")
        if name in metrics
    ]
    seconds = ", ".join(f"{name} {value:.0f}" for name, value in metrics["seconds"].items())
    versions = ", ".join(f"{name} {version}" for name, version in told.get("packages", {}).items())
    return [*machine, *run, ("seconds", seconds), *([("versions", versions)] if versions else [])]


def _terms(known: Entry) -> str:
    return "" if known.commercial else ", not for commercial use"


def licences(metrics: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """What is known of the terms of model and data."""
    name = config["model"]["name"]
    known = entry_of(name)
    model = (
        f"The base model {name} comes under {known.licence}{_terms(known)}; an adapted model is a work made from it."
        if known
        else f"The licence of the base model {name} is not known here; an adapted model is a work made from it."
    )
    data = [notice for notice in metrics["notices"] if "licence" in notice]
    unknown = f"No licence is recorded for the documents and judgments of {metrics['corpus']}."
    return [model, *(data or [unknown]), "Click logs and generated queries have terms of their own."]
