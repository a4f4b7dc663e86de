"""An encoder from and to a folder in sentence-transformers' layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from shoptalk.errors import InputError, at
from shoptalk.models import loading, tokens
from shoptalk.models.modules import Normalize, Pooling, read_chain

_CLASSES = "sentence_transformers.models."
"""The spelling of module classes that every release of sentence-transformers reads."""

_SETTINGS = "config_sentence_transformers.json"
_LIMITS = "sentence_bert_config.json"


def read_encoder(
    cls,
    folder: Path,
    *,
    trust_remote_code: bool,
    max_length: int | None,
    dropout: float,
    prompts: Mapping[str, str] | None,
    append_eos: bool,
):
    """Build ``cls`` (an ``Encoder``) from a folder; the arguments are those of ``Encoder.load``."""
    entries = loading.read_json(folder / "modules.json")
    root, pooling, heads = read_chain(folder, entries) if entries is not None else (folder, None, [])
    backbone, dropouts = read_backbone(root, trust_remote_code, dropout)
    if pooling is None:
        pooling, heads = Pooling(backbone.config.hidden_size), [Normalize()]
    if pooling.width != backbone.config.hidden_size:
        raise InputError(
            f"{at(folder / 'modules.json')}: pooling takes {pooling.width} dimensions but the transformer gives "
            f"{backbone.config.hidden_size}; restore the folder."
        )
    limits = loading.read_json(root / _LIMITS, {})
    _refuse_chat(root, limits)
    tokenizer = read_tokenizer(root, trust_remote_code, bool(limits.get("do_lower_case")), append_eos)
    settings = loading.read_json(folder / _SETTINGS, {})
    encoder = cls(
        backbone,
        tokenizer,
        pooling,
        heads,
        max_length=tokens.fitting_length(tokenizer, backbone.config, limits.get("max_seq_length"), max_length),
        prompts={**(settings.get("prompts") or {}), **(prompts or {})},
        settings={"default_prompt_name": settings.get("default_prompt_name"), "dropouts": dropouts},
    )
    if entries is None:
        encoder.notices.append(
            loading.notice(f"{folder}: has no modules.json, so its token vectors are averaged and normalised.")
        )
    return encoder


def read_backbone(folder: Path, trust_remote_code: bool, dropout: float):
    """The transformer of a folder in float32, and the dropout probabilities its files hold."""
    from transformers import AutoModel

    loading.require_safetensors(folder)
    config = loading.read_config(folder, trust_remote_code)
    dropouts = loading.set_dropout(config, dropout)
    with loading.quiet():
        backbone = AutoModel.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            dtype=torch.float32,
            trust_remote_code=trust_remote_code,
        )
    if getattr(backbone.config, "use_cache", False):
        backbone.config.use_cache = False
    return backbone, dropouts


def read_tokenizer(folder: Path, trust_remote_code: bool, lower: bool = False, append_eos: bool = False):
    """The fast tokenizer of a folder."""
    from tokenizers import normalizers, processors
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: its tokenizer cannot be read; restore tokenizer.json.") from error
    if not tokenizer.is_fast:
        raise InputError(f"{folder}: has no tokenizer.json, which is needed; convert its tokenizer first.")
    engine = tokenizer.backend_tokenizer
    if lower:
        steps = [normalizers.Lowercase(), *([engine.normalizer] if engine.normalizer else [])]
        engine.normalizer = normalizers.Sequence(steps)
    if append_eos:
        if tokenizer.eos_token is None:
            raise InputError(f"{folder}: its tokenizer has no end-of-sequence token; set model.append_eos=false.")
        head, tail = (tokenizer.convert_ids_to_tokens(ids) for ids in tokens.around(tokenizer))
        special = {token: tokenizer.convert_tokens_to_ids(token) for token in (*head, *tail, tokenizer.eos_token)}
        engine.post_processor = processors.TemplateProcessing(
            single=[*head, "$A", *tail, tokenizer.eos_token], special_tokens=list(special.items())
        )
    return tokenizer


def _refuse_chat(folder: Path, limits: Mapping) -> None:
    """A model read through its chat template, or not through plain text, would get wrong vectors here."""
    modes = limits.get("modality_config")
    if modes is not None and ("message" in modes or "text" not in modes):
        raise InputError(f"{at(folder / _LIMITS)}: the model takes more than plain text; choose another model.")


def write_encoder(encoder, folder: Path) -> None:
    """Write the transformer in the folder itself and every other module in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with loading.quiet():
        encoder.backbone.save_pretrained(folder)
    _restore_dropout(folder / "config.json", encoder.settings.get("dropouts") or {})
    encoder.tokenizer.save_pretrained(folder)
    entries = [{"idx": 0, "name": "0", "path": "", "type": _CLASSES + "Transformer"}]
    for index, module in enumerate((encoder.pooling, *encoder.heads), start=1):
        place = f"{index}_{module.kind}"
        module.write(folder / place)
        entries.append({"idx": index, "name": str(index), "path": place, "type": _CLASSES + module.kind})
    loading.write_json(folder / "modules.json", entries)
    loading.write_json(folder / _LIMITS, {"max_seq_length": encoder.max_length, "do_lower_case": False})
    write_settings(folder, encoder.prompts, encoder.settings.get("default_prompt_name"))


def write_settings(folder: Path, prompts: Mapping[str, str], default_prompt_name: str | None = None) -> None:
    """Write prompts and the similarity the vectors are made for."""
    loading.write_json(
        folder / _SETTINGS,
        {
            "model_type": "SentenceTransformer",
            "prompts": {"query": "", "document": "", **prompts},
            "default_prompt_name": default_prompt_name,
            "similarity_fn_name": "cosine",
        },
    )


def _restore_dropout(path: Path, dropouts: Mapping[str, float]) -> None:
    config = loading.read_json(path)
    loading.write_json(path, {**config, **{key: value for key, value in dropouts.items() if key in config}})
