"""A report on finished runs, as a page or in W&B.

python -m shoptalk.report 'runs=[outputs/A,outputs/B]' publish=wandb
"""

import sys

import hydra
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from shoptalk.configs import root
from shoptalk.errors import InputError
from shoptalk.launch import sentence_of
from shoptalk.reporting.runs import told
from shoptalk.reporting.runs.sections import sections


@hydra.main(version_base="1.3", config_path=str(root() / "conf"), config_name="report")
def main(cfg: DictConfig) -> None:
    """Report on the runs; what the user did wrong is one sentence and exit code 1."""
    try:
        report(cfg, Console())
    except KeyboardInterrupt:
        print("error: Stopped; nothing was published.", file=sys.stderr)
        sys.exit(130)
    except (InputError, InstantiationException, OmegaConfBaseException) as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(1)


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
