"""Which models can possibly meet a budget, told before any of them is downloaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import OmegaConf

from shoptalk.configs import root
from shoptalk.efficiency import index_precision, model_precision
from shoptalk.efficiency.budget import Budget
from shoptalk.efficiency.options import Efficiency

_MB = 1e6


@dataclass(frozen=True)
class Entry:
    """What is known of a model; see ``conf/catalogue.yaml``."""

    parameters: int
    dimension: int
    max_length: int
    licence: str
    commercial: bool
    remote_code: bool
    prompts: str
    languages: str
    matryoshka: Sequence[int] = ()

    def smallest(self, options: Efficiency) -> dict[str, float]:
        """Limit of a budget to the least that the model can take, in the forms that ``options`` measure beside its own.

        Memory is that of the weights alone; of seconds nothing is known without measuring.
        """
        own = options.model_precisions
        kinds = model_precision.BYTES if own is None else [name for name in own if name != model_precision.AUTO]
        weight = min([4, *(model_precision.BYTES[name] for name in kinds)])
        sizes = [self.dimension, *(size for size in options.dimensions if size < self.dimension)]
        codes = [index_precision.PRECISIONS[name] for name in ("fp32", *options.index_precisions)]
        vector = min(kind.per_document(size) for kind in codes for size in sizes)
        return {"memory_mb": weight * self.parameters / _MB, "index_mb_per_1m": float(vector)}


@dataclass(frozen=True)
class Shortlist:
    """Options of ``model``: those that can possibly meet a budget, and why each of the others cannot."""

    possible: Sequence[str]
    refused: Mapping[str, str]


def catalogue(path: Path | None = None) -> dict[str, Entry]:
    """Option of ``model`` to what is known of it."""
    told = OmegaConf.to_object(OmegaConf.load(path or root() / "conf" / "catalogue.yaml"))
    return {name: Entry(**facts) for name, facts in told.items()}


def entry_of(name: str) -> Entry | None:
    """What is known of the model that an option of ``model`` reads under ``name``; ``None`` of any other."""
    known = catalogue()
    for path in sorted((root() / "conf" / "model").glob("*.yaml")):
        if path.stem in known and OmegaConf.load(path).get("name") == name:
            return known[path.stem]
    return None


def shortlist(
    budget: Budget,
    options: Efficiency | None = None,
    *,
    commercial: bool = False,
    known: Mapping[str, Entry] | None = None,
) -> Shortlist:
    """Split the catalogue by ``budget``.

    Args:
        options: the smaller forms that would be measured; none unless given.
        commercial: refuse models whose licence does not allow commercial use.
        known: the catalogue's entries unless given.
    """
    known = catalogue() if known is None else known
    found = {name: list(_reasons(model, budget, options or Efficiency(), commercial)) for name, model in known.items()}
    refused = {name: "; ".join(reasons) for name, reasons in found.items() if reasons}
    return Shortlist([name for name in known if name not in refused], refused)


def _reasons(model: Entry, budget: Budget, options: Efficiency, commercial: bool) -> Iterator[str]:
    if commercial and not model.commercial:
        yield f"its licence, {model.licence}, allows no commercial use"
    least = model.smallest(options)
    for limit, most in budget.limits.items():
        if least.get(limit, 0.0) > most:
            what = "its weights alone take" if limit == "memory_mb" else "its vectors take at least"
            yield f"{what} {least[limit]:,.0f} MB, and budget.{limit} is {most:g}"
