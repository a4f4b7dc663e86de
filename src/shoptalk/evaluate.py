"""Any number of retrievers side by side on a domain's judged queries, and the best of them.

python -m shoptalk.evaluate 'models=[bm25,minilm,bm25+minilm,outputs/RUN]' baseline=minilm
"""

import sys

import hydra
from omegaconf import DictConfig

from shoptalk.configs import root
from shoptalk.launch import check, in_sentences


@hydra.main(version_base="1.3", config_path=str(root() / "conf"), config_name="evaluate")
def main(cfg: DictConfig) -> None:
    """Evaluate once; what the user did wrong is one sentence and exit code 1."""
    with in_sentences("evaluate", cfg, "Stopped; what was finished is cached, so run the same command again."):
        from rich.console import Console

        from shoptalk.evaluating.evaluation import evaluate

        evaluate(cfg, Console(quiet=not cfg.progress))


if __name__ == "__main__":
    check("evaluate", sys.argv[1:])
    main()
