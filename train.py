"""One experiment, or several with -m: compose the config, train, print the verdict.

python train.py data=clicks+synthetic negatives=denoised
"""

import sys

import hydra
from omegaconf import DictConfig

from shoptalk import launch


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg: DictConfig) -> float:
    """Train one config; the value is dev nDCG@10, what a sweep maximises."""
    return launch.job(cfg)


if __name__ == "__main__":
    launch.check("train", sys.argv[1:])
    main()
    sys.exit(launch.exit_code())
