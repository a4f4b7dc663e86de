"""What do shorter vectors and smaller codes lose, with and without Matryoshka training?

The models of finished runs over one domain: documents and queries embedded once (through the cache), then cut to 384,
256, 128 and 64 dimensions and kept as fp32, int8, int4 and signs (binary; binary+int8 puts the best hundred by signs in
order again). nDCG@10 of the ten results each gives for the audit queries, and the difference to the same model's whole
fp32 vectors, paired by query, with its 95 % interval. Runs that differ in nothing but their seed are one arm: a query's
figure is its mean over them.

    python benchmarks/efficiency/matryoshka.py RUN... [--split audit] [--dimensions 384 256 128 64] [--threads N]

Asked of arms trained with loss.matryoshka: int8 loses at most 1 point of nDCG@10, 128 dimensions at most 2.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

sys.path.append(str(Path(__file__).parents[1] / "training"))

from common import CONSOLE, Check, add_work, judge, table, write

from shoptalk.cache import Cache
from shoptalk.configs import register, root
from shoptalk.domain.judgments import Domain
from shoptalk.efficiency.cut import cut
from shoptalk.efficiency.index_precision import PRECISIONS as INDEXES
from shoptalk.efficiency.index_precision import compressed
from shoptalk.embedding import CachedEmbed
from shoptalk.errors import InputError
from shoptalk.models.loading import load_encoder
from shoptalk.retrieval.metrics import per_query
from shoptalk.retrieval.significance import Difference, compare
from shoptalk.system import set_threads

DIMENSIONS, PRECISIONS = (384, 256, 128, 64), ("fp32", "int8", "int4", "binary", "binary+int8")
RESULTS = 10
LOST_INT8, LOST_128 = 1.0, 2.0
Form = tuple[int, str]
"""A dimension and a precision."""


@dataclass(frozen=True)
class Trained:
    """A finished run: its folder, its configuration, and the arm it belongs to."""

    folder: Path
    cfg: DictConfig
    arm: str

    @classmethod
    def read(cls, folder: Path) -> "Trained":
        """
        Raises:
            InputError: the folder holds no finished run.
        """
        if not (folder / "config.yaml").is_file() or not (folder / "model").is_dir():
            raise InputError(f"{folder} holds no config.yaml and model/; give folders of finished runs.")
        cfg = OmegaConf.load(folder / "config.yaml")
        told = {"matryoshka": cfg.loss.matryoshka or None, "spread_out": cfg.loss.spread_out or None}
        plain = [f"{name}={str(value).replace(' ', '')}" for name, value in told.items() if value]
        return cls(folder, cfg, " ".join(plain) or "plain")


def values(
    run: Trained, domain: Domain, split: str, forms: Sequence[Form], cache: Cache, threads: int
) -> dict[Form, Any]:
    """nDCG@10 of every query, float64 [n], in each form that is no longer than the model's vectors."""
    judged, ids = domain.splits[split], list(domain.corpus.ids)
    embed = CachedEmbed(load_encoder(run.folder / "model"), cache, threads)
    documents, queries = embed(domain.corpus.passages, "document"), embed(list(judged.texts), "query")
    found = {}
    for size, precision in forms:
        if size <= documents.shape[1]:
            ranked = compressed(documents, size, precision).search(cut(queries, size), RESULTS)
            found[size, precision] = per_query(ranked, ids, judged)["ndcg@10"].to_numpy()
    return found


def losses(found: Mapping[Form, np.ndarray]) -> dict[Form, Difference]:
    """Each form against the longest one in fp32; below nought is what is lost."""
    whole = found[max(size for size, _ in found), "fp32"]
    return {form: compare(line, whole) for form, line in found.items()}


def measure(runs: Sequence[Trained], chosen: argparse.Namespace, threads: int) -> dict[str, dict[Form, np.ndarray]]:
    """Arm to form to every query's mean over the arm's runs.

    Raises:
        InputError: the runs are of different domains, or theirs lacks the split.
    """
    domains = {OmegaConf.to_yaml(run.cfg.domain, resolve=True): run for run in runs}
    if len(domains) > 1:
        one, two = (run.folder for run in list(domains.values())[:2])
        raise InputError(f"{one} and {two} are of different domains, so that they do not compare; give runs of one.")
    cache = Cache(chosen.cache)
    domain = instantiate(runs[0].cfg.domain).load(cache)
    if chosen.split not in domain.splits:
        raise InputError(f"--split {chosen.split}: the domain has {', '.join(domain.splits)}; name one of them.")
    forms = [(size, precision) for size in sorted({*chosen.dimensions}, reverse=True) for precision in PRECISIONS]
    parts: dict[str, list[dict[Form, np.ndarray]]] = {}
    for run in runs:
        CONSOLE.print(f"[dim]{run.arm}: {run.folder}[/]")
        parts.setdefault(run.arm, []).append(values(run, domain, chosen.split, forms, cache, threads))
    return {
        arm: {form: np.mean([one[form] for one in many], axis=0) for form in many[0]} for arm, many in parts.items()
    }


def show(arm: str, found: Mapping[Form, np.ndarray], lost: Mapping[Form, Difference], split: str, runs: int) -> None:
    """A row for each form."""
    count = len(next(iter(found.values())))
    title = f"{arm}: {count:,} queries of {split}, {runs} run{'s' if runs > 1 else ''}"
    shown = table(title, ["dimensions", "index", "bytes", "nDCG@10", "points against whole [95 %]", "p"])
    for (size, precision), line in found.items():
        told = lost[size, precision]
        points = f"{100 * told.mean:+.2f} [{100 * told.low:+.2f}, {100 * told.high:+.2f}]"
        size_of = INDEXES[precision].per_document(size)
        shown.add_row(str(size), precision, f"{size_of:,}", f"{line.mean():.4f}", points, f"{told.p_value:.4f}")
    CONSOLE.print(shown)


def checks_of(lost: Mapping[str, Mapping[Form, Difference]]) -> list[Check]:
    """Two of each arm that was trained for cuts."""
    checks = []
    for arm, found in lost.items():
        if "matryoshka" not in arm:
            continue
        for form, asked in (((384, "int8"), LOST_INT8), ((128, "fp32"), LOST_128)):
            if form in found:
                name = f"{arm}: points lost by {form[0]} dimensions, {form[1]}"
                checks.append(Check(name, -100 * found[form].mean, asked, at_most=True))
    return checks


def main(chosen: argparse.Namespace) -> None:
    """Embed, compress, search, print, write."""
    register()
    threads = set_threads(chosen.threads)
    runs = [Trained.read(folder) for folder in chosen.runs]
    found = measure(runs, chosen, threads)
    lost = {arm: losses(forms) for arm, forms in found.items()}
    for arm, forms in found.items():
        show(arm, forms, lost[arm], chosen.split, sum(run.arm == arm for run in runs))
    checks = checks_of(lost)
    if checks:
        judge(checks)
    told = {
        arm: [
            {
                "dimensions": size,
                "index": precision,
                "ndcg@10": float(line.mean()),
                **asdict(lost[arm][size, precision]),
            }
            for (size, precision), line in forms.items()
        ]
        for arm, forms in found.items()
    }
    write(
        {"split": chosen.split, "runs": [str(run.folder) for run in runs], "arms": told},
        checks,
        chosen.out,
        "matryoshka",
    )


def options() -> argparse.ArgumentParser:
    """The options of this script."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of finished runs")
    made.add_argument("--split", default="audit", help="whose queries count (audit)")
    made.add_argument("--dimensions", type=int, nargs="+", default=list(DIMENSIONS), help="lengths (384 256 128 64)")
    out = root() / "outputs" / "benchmarks" / "efficiency"
    made.add_argument("--out", type=Path, default=out, help="folder of the figures (outputs/benchmarks/efficiency)")
    add_work(made)
    return made


if __name__ == "__main__":
    try:
        main(options().parse_args())
    except InputError as error:
        sys.exit(f"error: {error}")
