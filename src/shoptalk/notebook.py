"""The door for notebooks: ``from shoptalk import run``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from shoptalk import launch
from shoptalk.configs import root, unsorted_sources
from shoptalk.errors import InputError
from shoptalk.outcome import Outcome
from shoptalk.primary import unknown_argument


def run(*overrides: str) -> Outcome:
    """Train one config, as ``python train.py`` with the same ``overrides`` does.

    >>> outcome = run("data=clicks+synthetic", "negatives=denoised")

    Raises:
        InputError: something the overrides ask for cannot be; the message says the mend.
        KeyboardInterrupt: stopped; the message says how to go on.
    """
    for override in overrides:
        if not isinstance(override, str):
            raise InputError(f"run() takes options as on the command line, as in run('data=labels'), not {override!r}.")
    with _composed(list(overrides)) as cfg:
        try:
            from shoptalk.experiment import train

            return train(cfg)
        except KeyboardInterrupt as stop:
            sentence = str(stop) or launch.STOPPED
            launch.leave(cfg, sentence)
            raise KeyboardInterrupt(sentence) from None
        except (InputError, InstantiationException, OmegaConfBaseException) as error:
            sentence = launch.sentence_of(error)
            if sentence is None:
                raise
            launch.leave(cfg, sentence)
            raise InputError(sentence) from error


@contextmanager
def _composed(overrides: list[str]) -> Iterator[DictConfig]:
    """The config that the command line would compose, its ``${hydra:...}`` known inside and the user's own Hydra, if
    there is one, as it was afterwards."""
    if sentence := unsorted_sources(overrides) or unknown_argument("train", overrides):
        raise InputError(sentence)
    hydra, config = GlobalHydra.instance(), HydraConfig.instance()
    before = hydra.hydra, config.cfg
    hydra.clear()
    try:
        with initialize_config_dir(str(root() / "conf"), job_name="train", version_base="1.3"):
            try:
                cfg = compose("train", overrides, return_hydra_config=True)
            except (HydraException, OmegaConfBaseException, ValueError) as error:
                raise InputError(" ".join(str(error).split("Config search path:")[0].split())) from error
        launch.check_keys("train", cfg)
        if cfg.hydra.mode == RunMode.MULTIRUN:
            raise InputError("run() trains one config and a sweep is many: start it as python train.py sweeps=NAME.")
        yield _placed(cfg, overrides)
    finally:
        GlobalHydra.instance().hydra, config.cfg = before


def _placed(cfg: DictConfig, overrides: list[str]) -> DictConfig:
    """``cfg`` without Hydra's own part, which is put where ``${hydra:...}`` looks and, as ever, into ``.hydra/``."""
    with open_dict(cfg.hydra):
        cfg.hydra.runtime.output_dir = str(Path(cfg.hydra.run.dir).absolute())
    HydraConfig.instance().set_config(cfg)
    task = OmegaConf.masked_copy(cfg, [str(name) for name in cfg if name != "hydra"])
    OmegaConf.set_struct(task, True)
    task.run.group = task.run.group or launch.group(cfg.hydra)
    folder = Path(cfg.hydra.runtime.output_dir, ".hydra")
    folder.mkdir(parents=True, exist_ok=True)
    for name, node in {"config": task, "hydra": cfg.hydra, "overrides": OmegaConf.create(overrides)}.items():
        OmegaConf.save(node, folder / f"{name}.yaml")
    return task
