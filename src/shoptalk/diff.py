"""Two runs side by side: what was gained and lost, which pairs changed, which options differ.

python -m shoptalk.diff RUN_A RUN_B
"""

import sys

from shoptalk.launch import check, in_sentences

if __name__ == "__main__":
    check("diff", sys.argv[1:])  # before the imports that take seconds

from pathlib import Path

import hydra
from omegaconf import DictConfig
from rich.console import Console

from shoptalk.configs import root
from shoptalk.differing import Differences, differences
from shoptalk.errors import InputError
from shoptalk.reporting import differences as told

PAGE = "diff.html"


@hydra.main(version_base="1.3", config_path=str(root() / "conf"), config_name="diff")
def main(cfg: DictConfig) -> None:
    """Compare two runs; what the user did wrong is one sentence and exit code 1."""
    with in_sentences("diff", cfg, "Stopped; nothing was written."):
        diff(cfg, Console())


def diff(cfg: DictConfig, console: Console) -> Differences:
    """Print the tables and leave the page at ``out``, in the second run's folder unless given."""
    runs = list(cfg.runs or ())
    if len(runs) != 2:
        raise InputError(
            f"runs={runs} is not possible; give the folders of two runs, as in runs=[outputs/a,outputs/b]."
        )
    found = differences(Path(runs[0]), Path(runs[1]), cfg.split)
    console.print(told.tables(found))
    place = Path(cfg.out) if cfg.out else Path(runs[1]) / PAGE
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(told.page_of(found), encoding="utf-8")
    except OSError as error:
        raise InputError(f"out={place} cannot be written ({error.strerror or error}); give another file.") from error
    console.print(f"[dim]{place}[/]")
    return found


def named(arguments: list[str]) -> list[str]:
    """Arguments without ``=`` as ``runs=[…]``, so that two folders can be given as they are."""
    folders = [word for word in arguments if "=" not in word and not word.startswith("-")]
    quoted = ["'" + folder.replace("'", "\\'") + "'" for folder in folders]
    rest = [word for word in arguments if word not in folders]
    return [*rest, *([f"runs=[{','.join(quoted)}]"] if folders else [])]


if __name__ == "__main__":
    sys.argv[1:] = named(sys.argv[1:])
    main()
