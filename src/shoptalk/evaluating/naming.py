"""From what the user calls a retriever to the retriever."""

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from hydra.utils import get_class, get_method
from omegaconf import DictConfig, OmegaConf

from shoptalk.arms.base import Arm
from shoptalk.arms.encoder import EncoderArm
from shoptalk.configs import root
from shoptalk.errors import InputError, existing_folder
from shoptalk.evaluating.runs import model_in
from shoptalk.models.loading import PACKAGED


def named(models: object, domain: Mapping[str, Any]) -> list[Arm]:
    """The arms that ``models`` names, in its order, under different names.

    Each is a string or, with details, a mapping whose ``arm`` is such a string: a name of ``conf/arm`` or
    ``conf/model``, the folder of a run or of a model, a hub id, ``a+b`` (fusion) or ``a|b`` (re-ranking of a by b).

    Raises:
        InputError: something is not known by that name, or lacks or has an option too many.
    """
    if isinstance(models, str):
        models = [models]
    if not isinstance(models, Sequence) or not models:
        raise InputError("models names nothing; give what is to be compared, as in models=[bm25,minilm].")
    first = Namer(domain)
    for given in models:
        first.arm(given)
    alike = {name for name, count in Counter(run for run, _ in first.runs).items() if count > 1}
    arms = [Namer(domain, alike).arm(given) for given in models]
    twice = [name for name, count in Counter(arm.name for arm in arms).items() if count > 1]
    if twice:
        raise InputError(f"models names {twice[0]} twice; leave one out, or tell them apart by a name, as in "
                         f"models=[{{arm: {twice[0]}, name: OTHER}}].")  # fmt: skip
    return arms


_OPTIONS = {"revision", "trust_remote_code", "max_length", "prompts", "append_eos"}
"""Those of ``load_encoder`` that may be set."""


class Namer:
    """Makes arms of one evaluation.

    Args:
        domain: the options of the domain that is evaluated.
        alike: names that several runs have, which are told apart by their folders.

    Attributes:
        runs: name and folder of each run so far.
    """

    def __init__(self, domain: Mapping[str, Any], alike: set[str] = frozenset()):
        self.domain, self.alike = domain, alike
        self.runs: set[tuple[str, Path]] = set()

    def arm(self, given: object) -> Arm:
        """The arm of one entry."""
        details = {"arm": given} if isinstance(given, str) else given
        if not isinstance(details, Mapping) or not isinstance(details.get("arm"), str):
            raise InputError(f"models: {given} is no retriever; give a name or {{arm: NAME, …}}.")
        name, details = details["arm"].strip(), {key: value for key, value in details.items() if key != "arm"}
        if name in options("arm"):
            return self._of_config(name, details)
        if name in options("model"):
            return self._encoder(name, _config("model", name), details)
        folder = Path(name).expanduser()
        if name and folder.is_dir():
            return self._in_folder(name, folder, details)
        if "|" in name:
            of, by = (part.strip() for part in name.rsplit("|", 1))
            return self._of_config("reranked", {"of": of, "by": by, **details})
        if "+" in name:
            return self._of_config("hybrid", {"of": [part.strip() for part in name.split("+")], **details})
        if name.startswith(PACKAGED) or _on_hub(name):
            return self._model(name.rsplit("/", 1)[-1].removeprefix(PACKAGED), name, details)
        if "/" in name:
            existing_folder("models", name, "a finished run or of a model")
        known = list(dict.fromkeys([*options("arm"), *options("model")]))
        meant = "".join(f" (did you mean {close}?)" for close in get_close_matches(name, known, 1))
        raise InputError(f"models: {name or 'an empty name'} is not known{meant}; there are {', '.join(known)}, a "
                         "finished run's folder, a model's folder or hub id, and of these a+b and a|b.")  # fmt: skip

    def _of_config(self, name: str, details: Mapping[str, Any]) -> Arm:
        """An option of ``conf/arm``; what it is made of is resolved first."""
        node = _config("arm", name)
        _refuse_unknown(name, details, set(node) - {"_target_"})
        parts = {"of": self._parts(details["of"])} if details.get("of") else {}
        node = OmegaConf.merge(node, {key: value for key, value in details.items() if key not in parts})
        for key in parts:
            del node[key]
        if missing := sorted(OmegaConf.missing_keys(node)):
            needs = ", ".join(f"{option}: …" for option in missing)
            raise InputError(f"models: {name} needs {' and '.join(missing)}; give {{arm: {name}, {needs}}}.")
        chosen = OmegaConf.to_container(node, resolve=True)
        return get_class(chosen.pop("_target_"))(**chosen, **parts)

    def _parts(self, of: object) -> Any:
        several = isinstance(of, Sequence) and not isinstance(of, str)
        return [self.arm(part) for part in of] if several else self.arm(of)

    def _in_folder(self, given: str, folder: Path, details: Mapping[str, Any]) -> Arm:
        found = model_in(folder, self.domain)
        name = found.run or given
        if found.run:
            self.runs.add((found.run, folder.resolve()))
            name = f"{found.run} ({given})" if found.run in self.alike else found.run
        return self._model(name, str(found.model), details)

    def _model(self, name: str, place: str, details: Mapping[str, Any]) -> Arm:
        loading = OmegaConf.create({"_target_": "shoptalk.models.loading.load_encoder", "name": place})
        return self._encoder(name, loading, details)

    def _encoder(self, name: str, node: DictConfig, details: Mapping[str, Any]) -> Arm:
        """An encoder; ``model`` among the details changes its options."""
        _refuse_unknown(name, details, {"name", "model"})
        target, given = get_method(node["_target_"]), dict(details.get("model") or {})
        accepted = set(inspect.signature(target).parameters)
        _refuse_unknown(
            f"model of {name}", given, accepted - {"options"} | (_OPTIONS if "options" in accepted else set())
        )
        chosen = OmegaConf.to_container(OmegaConf.merge(node, given), resolve=True)
        del chosen["_target_"]
        return EncoderArm(details.get("name") or name, partial(target, **chosen))


def options(group: str) -> list[str]:
    """Names of all options of a group."""
    return sorted(path.stem for path in (root() / "conf" / group).glob("*.yaml"))


def _config(group: str, name: str) -> DictConfig:
    return OmegaConf.load(root() / "conf" / group / f"{name}.yaml")


def _on_hub(name: str) -> bool:
    """Whether it looks like OWNER/MODEL, and not like a folder that should be there."""
    owner, slash, model = name.partition("/")
    return bool(slash and owner and model) and "/" not in model and owner[0] not in ".~" and not Path(owner).is_dir()


def _refuse_unknown(name: str, details: Mapping[str, Any], known: set[str]) -> None:
    for option in details:
        if option not in known:
            there = ", ".join(sorted(known))
            raise InputError(f"models: {name} has no option {option}; it has {there}.")
