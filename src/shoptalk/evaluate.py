"""Any number of retrievers side by side on a domain's judged queries, and the best of them.

python -m shoptalk.evaluate 'models=[bm25,minilm,bm25+minilm,outputs/RUN]' baseline=minilm
"""

import sys

import hydra
from hydra.errors import InstantiationException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from shoptalk.configs import root
from shoptalk.errors import InputError
from shoptalk.launch import sentence_of


@hydra.main(version_base="1.3", config_path=str(root() / "conf"), config_name="evaluate")
def main(cfg: DictConfig) -> None:
    """Evaluate once; what the user did wrong is one sentence and exit code 1."""
    try:
        from rich.console import Console

        from shoptalk.evaluating.evaluation import evaluate

        evaluate(cfg, Console(quiet=not cfg.progress))
    except KeyboardInterrupt:
        print("Stopped; what was finished is cached, so run the same command again.", file=sys.stderr)
        sys.exit(130)
    except (InputError, InstantiationException, OmegaConfBaseException) as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
