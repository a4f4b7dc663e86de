"""Around one Hydra job or command: what the user did wrong becomes one sentence, and one bad job ends no other."""

import gc
import json
import math
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from shoptalk.configs import root, unsorted_sources
from shoptalk.errors import ERROR_FILE, InputError, unset
from shoptalk.primary import help_of, unknown, unknown_argument
from shoptalk.studies.pruning import PRUNED_FILE, Pruned

_failed: list[str] = []
_BEFORE_ANYTHING = {".hydra", "config.yaml", "train.log", ERROR_FILE}
STOPPED = "Stopped before training began; what was finished is cached, so run the same command again."


def check(name: str, arguments: list[str]) -> None:
    """Before Hydra reads the arguments of the command of ``conf/NAME.yaml``: its help, or a sentence about a mistake
    that Hydra could only call unknown."""
    if {"-h", "--help"} & set(arguments):
        if hasattr(signal, "SIGPIPE"):
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # --help | head
        print(help_of(name))
        sys.exit()
    if {"-sc", "--shell-completion"} & set(arguments):
        return  # what follows, as install=bash, is Hydra's
    if sentence := unsorted_sources(arguments) or unknown_argument(name, arguments):
        sys.exit(f"error: {sentence}")


def check_keys(name: str, cfg: DictConfig) -> None:
    """Refuse a composed config with a key at its top that nothing reads.

    Raises:
        InputError: it has one.
    """
    if sentence := unknown(name, map(str, cfg)):
        raise InputError(sentence)


def job(cfg: DictConfig) -> float:
    """dev nDCG@10 of one config, or NaN with the reason printed and written to ``error.txt``."""
    try:
        check_keys("train", cfg)
        from shoptalk.experiment import train
        from shoptalk.training.ranks import agreed, join, world

        join()
        cfg.run.single = HydraConfig.get().mode == RunMode.RUN
        cfg.run.group = cfg.run.group or group(HydraConfig.get())
        if world()[1] > 1 and not cfg.run.single:
            raise InputError("-m with several processes would let each run every job: start it without torchrun.")
        cfg.run.dir = agreed(cfg.run.dir)
        if not cfg.run.single and (score := finished(cfg)) is not None:
            print(f"{cfg.run.dir} is finished already; delete it to have it done again.")
            return score
        outcome = train(cfg)
        return outcome.dev_score if outcome else math.nan
    except Pruned as end:
        place, score = end.args
        Path(cfg.run.dir, PRUNED_FILE).write_text(json.dumps({"look": place, "ndcg@10": score}) + "\n")
        return math.nan
    except KeyboardInterrupt as stop:
        _say(cfg, str(stop) or STOPPED)
        sys.exit(130)
    except (InputError, InstantiationException, OmegaConfBaseException) as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        _say(cfg, sentence)
        if HydraConfig.get().mode == RunMode.RUN:
            clear(Path(cfg.run.dir))
        return math.nan
    finally:
        gc.collect()  # a job may have left a model in a cycle, and the next one needs the memory


def group(hydra: Any) -> str | None:
    """What a run belongs to: its experiment, else the folder of its multirun; ``None`` for a run by itself."""
    if chosen := hydra.runtime.choices.get("experiment"):
        return chosen
    return "/".join(Path(hydra.sweep.dir).parts[-2:]) if hydra.mode == RunMode.MULTIRUN else None


def finished(cfg: DictConfig) -> float | None:
    """dev nDCG@10 of a job whose folder holds the figures of the very same options; ``None`` where there are none."""
    folder = Path(cfg.run.dir)
    if not (folder / "metrics.json").is_file() or _deciding(OmegaConf.load(folder / "config.yaml")) != _deciding(cfg):
        return None
    metrics = json.loads((folder / "metrics.json").read_text())
    return metrics.get("dev", {}).get("adapted", {}).get("ndcg@10", math.nan)


def _deciding(cfg: DictConfig) -> dict:
    """The options that decide figures; precision may stand there resolved."""
    told = OmegaConf.to_container(cfg, resolve=True)
    del told["trainer"]["precision"]
    return _without_threads({name: value for name, value in told.items() if name not in ("run", "cache", "logger")})


def _without_threads(options: Any) -> Any:
    """``options`` without those named ``threads``, which groups take from the one at the top."""
    if not isinstance(options, dict):
        return options
    return {name: _without_threads(value) for name, value in options.items() if name != "threads"}


@contextmanager
def in_sentences(name: str, cfg: DictConfig, stopped: str) -> Iterator[None]:
    """A command of the config ``conf/NAME.yaml`` whose mistakes of the user's end in one sentence and exit code 1, and
    Ctrl-C in ``stopped`` and 130."""
    try:
        check_keys(name, cfg)
        yield
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        sys.exit(130)
    except (InputError, InstantiationException, OmegaConfBaseException) as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(1)


def forgive() -> None:
    """Forget jobs that failed: a sweep tells of its failed trials and goes on."""
    _failed.clear()


def exit_code() -> int:
    """1 where any job of this process failed, else 0."""
    return 1 if _failed else 0


def sentence_of(error: BaseException | None) -> str | None:
    """The user's sentence within a chain of exceptions; ``None`` where the fault is ours."""
    while error is not None:
        if isinstance(error, InputError):
            return str(error)
        if isinstance(error, MissingMandatoryValue) and error.full_key:
            return unset(error.full_key)
        if isinstance(error, OmegaConfBaseException):
            return " ".join(str(error).split())
        error = error.__cause__
    return None


def _say(cfg: DictConfig, sentence: str) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    _failed.append(sentence)
    leave(cfg, sentence)


def clear(folder: Path) -> None:
    """Remove the folder of a run by itself that was refused before it made anything, where it lies in ``outputs/``.

    One that several processes share is left, for another may be writing there.
    """
    from shoptalk.training.ranks import world

    mine = world()[1] == 1 and folder.resolve().is_relative_to((root() / "outputs").resolve())
    if mine and {path.name for path in folder.iterdir()} <= _BEFORE_ANYTHING:
        shutil.rmtree(folder)


def leave(cfg: DictConfig, sentence: str) -> None:
    """Write why a run ended into its folder."""
    folder = Path(OmegaConf.select(cfg, "run.dir"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ERROR_FILE).write_text(sentence + "\n")
