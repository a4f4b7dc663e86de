"""A report on finished runs, as a page or in W&B.

python -m shoptalk.report 'runs=[outputs/A,outputs/B]' publish=wandb
"""

import sys

from shoptalk.launch import check, in_sentences

if __name__ == "__main__":
    check("report", sys.argv[1:])  # before the imports that take seconds

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from shoptalk.configs import root
from shoptalk.errors import InputError
from shoptalk.reporting.runs import told
from shoptalk.reporting.runs.sections import sections


@hydra.main(version_base="1.3", config_path=str(root() / "conf"), config_name="report")
def main(cfg: DictConfig) -> None:
    """Report on the runs; what the user did wrong is one sentence and exit code 1."""
    with in_sentences("report", cfg, "Stopped; nothing was published."):
        report(cfg, Console())


def report(cfg: DictConfig, console: Console) -> None:
    """Read the runs, print their verdict and publish the sections.

    Raises:
        InputError: see ``told.read``, ``sections`` and the publisher.
    """
    if not isinstance(cfg.queries, int) or cfg.queries < 0:
        raise InputError(f"queries={cfg.queries} is not possible; give a whole number, or 0 to show no query.")
    runs = told.read(OmegaConf.to_container(cfg.runs) if OmegaConf.is_list(cfg.runs) else cfg.runs)
    found = sections(runs, cfg.split, cfg.queries)
    for sentence in found[0].parts:
        console.print(sentence, highlight=False, markup=False)
    title = cfg.title or f"{runs[0].metrics['corpus']}: {' · '.join(dict.fromkeys(run.name for run in runs))}"
    instantiate(cfg.publish)(title, found, runs, console)


if __name__ == "__main__":
    main()
