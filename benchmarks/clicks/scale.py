"""A large log through the whole click source: from Parquet files to weighted pairs. The log is SIMULATED.

    python benchmarks/clicks/scale.py --rows 10_000_000 [--memory 2GB] [--folder FOLDER]

Prints seconds, rows per second and the peak of this process' memory. Asked: 10 million rows in at most 60 s on two
cores within 4 GB; 100 million within 8 GB at no more than 1.3 times the time per row.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from shoptalk.cache import Cache
from shoptalk.configs import register, root
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.sources.pairs import Ground

sys.path.insert(0, str(Path(__file__).parent))
import big_log


def measured(folder: Path, memory: str, threads: int) -> dict[str, float]:
    """Seconds for the statistics and pairs of the log in ``folder``, the diagnosis apart; peak memory in GB."""
    register()
    with initialize_config_dir(str(root() / "conf"), version_base="1.3"):
        overrides = [
            "data=clicks",
            f"engine.memory={memory}",
            f"threads={threads}",
            f"data.sources.clicks.log={folder}",
        ]
        cfg = compose("train", overrides=[*overrides, "data.sources.clicks.position_base=1", "run.name=scale"])
    source = instantiate(OmegaConf.to_container(cfg.data.sources.clicks, resolve=True))
    ids = big_log.document_ids()
    domain = Domain("big", Corpus(ids, ids, [""] * len(ids)), {})
    with tempfile.TemporaryDirectory() as cache:
        began = time.perf_counter()
        found = source.read("clicks", Ground(domain, None, Cache(cache), 0))
        read = time.perf_counter() - began
        found.diagnosis()
        diagnosed = time.perf_counter() - began - read
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "rows": found.counts["rows"],
        "pairs": found.pairs.height,
        "read_s": read,
        "diagnosis_s": diagnosed,
        "peak_gb": peak,
    }


def main() -> None:
    """Write the log where it is not there yet, read it, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--memory", default="2GB", help="beyond it DuckDB works on disk")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=root() / "outputs" / "benchmarks" / "clicks_scale")
    chosen = parser.parse_args()
    folder = chosen.folder / f"log-{chosen.rows}"
    if not folder.exists():
        big_log.write(folder, chosen.rows)
    found = measured(folder, chosen.memory, chosen.threads)
    table = Table(title=f"SIMULATED log, {found['rows']:,} rows, {chosen.threads} threads, DuckDB {chosen.memory}")
    for column in ("read (s)", "of which per million rows", "diagnosis (s)", "peak memory (GB)", "pairs"):
        table.add_column(column, justify="right")
    per_million = found["read_s"] / found["rows"] * 1e6
    cells = found["read_s"], per_million, found["diagnosis_s"], found["peak_gb"]
    table.add_row(*(f"{value:.2f}" for value in cells), f"{found['pairs']:,}")
    Console(width=110).print(table)
    (chosen.folder / f"scale-{chosen.rows}.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
