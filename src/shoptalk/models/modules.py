"""What follows the transformer in a sentence-transformers model: Pooling, Dense, Normalize.

Same arithmetic and same files as sentence-transformers, of which nothing is imported.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from shoptalk.errors import InputError, at
from shoptalk.models.loading import read_json, require_safetensors, write_json

_LEGACY = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


def _at(hidden: Tensor, place: Tensor) -> Tensor:
    # Not hidden[arange(b), place]: an export to ONNX would keep the b it was made with.
    return hidden.gather(1, place[:, None, None].expand(-1, 1, hidden.shape[-1])).squeeze(1)


def _cls(hidden: Tensor, mask: Tensor, _position: Tensor) -> Tensor:
    return _at(hidden, mask.int().argmax(1))


def _last(hidden: Tensor, mask: Tensor, _position: Tensor) -> Tensor:
    return _at(hidden, mask.shape[1] - 1 - mask.int().flip(1).argmax(1))


def _max(hidden: Tensor, mask: Tensor, _position: Tensor) -> Tensor:
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, float("-inf")).amax(1)


def _weighted(hidden: Tensor, weight: Tensor, total: Tensor) -> Tensor:
    # A batched product sums over tokens without a copy of the hidden states.
    return torch.bmm(weight.unsqueeze(1), hidden).squeeze(1) / total.clamp(min=1e-9).unsqueeze(1)


def _mean(hidden: Tensor, mask: Tensor, _position: Tensor) -> Tensor:
    weight = mask.to(hidden.dtype)
    return _weighted(hidden, weight, weight.sum(1))


def _mean_sqrt(hidden: Tensor, mask: Tensor, _position: Tensor) -> Tensor:
    weight = mask.to(hidden.dtype)
    return _weighted(hidden, weight, weight.sum(1).sqrt())


def _weighted_mean(hidden: Tensor, mask: Tensor, position: Tensor) -> Tensor:
    weight = mask.to(hidden.dtype) * position.to(hidden.dtype)
    return _weighted(hidden, weight, weight.sum(1))


MODES = {
    "cls": _cls,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}


class Pooling(nn.Module):
    """Token vectors [b, t, h] to one vector per text [b, h * number of modes], in float32.

    Args:
        dimension: h.
        modes: keys of ``MODES``, concatenated in this order.
        include_prompt: whether the prompt's tokens are pooled too.
    """

    kind = "Pooling"

    def __init__(self, dimension: int, modes: tuple[str, ...] = ("mean",), include_prompt: bool = True):
        super().__init__()
        self.modes, self.include_prompt = tuple(modes), include_prompt
        self.width, self.dimension = dimension, dimension * len(self.modes)

    def forward(self, hidden: Tensor, mask: Tensor, prompt_length: int = 0) -> Tensor:
        """``mask`` int [b, t]; ``prompt_length`` counts the prompt's tokens, special tokens before it included."""
        hidden = hidden.float()
        start = mask.int().argmax(1, keepdim=True)
        position = torch.arange(1, mask.shape[1] + 1, device=mask.device).unsqueeze(0) - start
        if not self.include_prompt:
            mask = mask * (position > prompt_length)
        with torch.autocast(hidden.device.type, enabled=False):
            return torch.cat([MODES[mode](hidden, mask, position) for mode in self.modes], dim=-1)

    @classmethod
    def read(cls, folder: Path) -> "Pooling":
        """Read ``config.json`` in either of sentence-transformers' spellings."""
        path = folder / "config.json"
        config = read_json(path, {})
        modes = config.get("pooling_mode") or tuple(m for key, m in _LEGACY.items() if config.get(key)) or ("mean",)
        modes = (modes,) if isinstance(modes, str) else tuple(modes)
        unknown = [mode for mode in modes if mode not in MODES]
        if unknown:
            raise InputError(f"{at(path)}: pooling mode '{unknown[0]}' is not one of {', '.join(MODES)}; correct it.")
        dimension = config.get("embedding_dimension") or config.get("word_embedding_dimension")
        if not dimension:
            raise InputError(f"{at(path)}: says no word_embedding_dimension; restore the file.")
        return cls(dimension, modes, config.get("include_prompt", True))

    def write(self, folder: Path) -> None:
        """Write ``config.json``: the older spelling, which every release reads, where it can say the same."""
        flags = {key: mode in self.modes for key, mode in _LEGACY.items()}
        legacy = tuple(mode for mode in _LEGACY.values() if mode in self.modes) == self.modes
        spelling = flags if legacy else {"pooling_mode": list(self.modes)}
        write_json(
            folder / "config.json",
            {"word_embedding_dimension": self.width, **spelling, "include_prompt": self.include_prompt},
        )


class Dense(nn.Module):
    """A linear layer and an activation on the pooled vector, with an optional residual."""

    kind = "Dense"

    def __init__(self, width: int, dimension: int, bias: bool, activation: str, residual: bool = False):
        super().__init__()
        self.width, self.dimension, self.activation_path = width, dimension, activation
        self.linear = nn.Linear(width, dimension, bias=bias)
        self.activation = _activation(activation)
        self.use_residual = residual
        if residual and width != dimension:
            self.residual = nn.Linear(width, dimension, bias=False)

    def forward(self, vector: Tensor) -> Tensor:
        """[b, width] to [b, dimension]."""
        out = self.activation(self.linear(vector))
        if not self.use_residual:
            return out
        return out + (vector if self.width == self.dimension else self.residual(vector))

    @classmethod
    def read(cls, folder: Path) -> "Dense":
        """Read ``config.json`` and ``model.safetensors``."""
        path = folder / "config.json"
        config = read_json(path)
        if not isinstance(config, dict) or not {"in_features", "out_features"} <= config.keys():
            raise InputError(f"{at(path)}: says no in_features and out_features; restore the file.")
        for key in ("module_input_name", "module_output_name"):
            if config.get(key) not in (None, "sentence_embedding"):
                raise InputError(f"{at(path)}: {key} '{config[key]}' is no pooled vector; choose another model.")
        require_safetensors(folder)
        activation = config.get("activation_function", "torch.nn.modules.activation.Tanh")
        dense = cls(
            config["in_features"],
            config["out_features"],
            config.get("bias", True),
            activation,
            config.get("use_residual", False),
        )
        dense.load_state_dict(load_file(folder / "model.safetensors"))
        return dense.float()

    def write(self, folder: Path) -> None:
        """Write ``config.json`` and ``model.safetensors``."""
        config = {
            "in_features": self.width,
            "out_features": self.dimension,
            "bias": self.linear.bias is not None,
            "activation_function": self.activation_path,
        }
        write_json(folder / "config.json", config | ({"use_residual": True} if self.use_residual else {}))
        save_file({key: value.contiguous() for key, value in self.state_dict().items()}, folder / "model.safetensors")


class Normalize(nn.Module):
    """Vectors to unit length."""

    kind = "Normalize"

    def forward(self, vector: Tensor) -> Tensor:
        """[b, d] to [b, d]; a zero vector stays zero."""
        return functional.normalize(vector, dim=-1)

    @classmethod
    def read(cls, folder: Path) -> "Normalize":
        """Read nothing but a check that it is the pooled vector that is normalised."""
        config = read_json(folder / "config.json", {})
        if config.get("module_input_name") not in (None, "sentence_embedding"):
            raise InputError(f"{at(folder / 'config.json')}: normalises no pooled vector; choose another model.")
        return cls()

    def write(self, folder: Path) -> None:
        """Make the folder; there is nothing to say in it."""
        folder.mkdir(parents=True, exist_ok=True)


HEADS = {"Dense": Dense, "Normalize": Normalize}


def _activation(path: str) -> nn.Module:
    name = path.rsplit(".", 1)[-1]
    made = getattr(nn, name, None) if path.startswith("torch.nn.") else None
    if not (isinstance(made, type) and issubclass(made, nn.Module)):
        raise InputError(f"activation_function '{path}' of a Dense module is none of torch.nn; choose another model.")
    return made()


def read_chain(folder: Path, entries: list[dict]) -> tuple[Path, Pooling, list[nn.Module]]:
    """Read ``modules.json`` entries: the transformer's folder, the pooling, what follows.

    Raises:
        InputError: an unknown module, or one out of place.
    """
    path = folder / "modules.json"
    kinds = [_kind(path, entry) for entry in entries]
    places = [_inside(path, folder, entry) for entry in entries]
    if kinds[:2] != ["Transformer", "Pooling"]:
        found = " then ".join(kinds[:2]) or "nothing"
        raise InputError(f"{at(path)}: starts with {found}, not with Transformer then Pooling; choose another model.")
    for kind in kinds[2:]:
        if kind not in HEADS:
            raise InputError(
                f"{at(path)}: module {kind} after Pooling is not one of {', '.join(HEADS)}; choose another model."
            )
    heads = [HEADS[kind].read(place) for kind, place in zip(kinds[2:], places[2:], strict=True)]
    return places[0], Pooling.read(places[1]), heads


def _kind(path: Path, entry: dict) -> str:
    """``Pooling`` for any path sentence-transformers has had for its class; anything else in full."""
    full = str(entry.get("type", ""))
    known = {"Transformer", "Pooling", *HEADS}
    if full.startswith("sentence_transformers.") and full.rsplit(".", 1)[-1] in known:
        return full.rsplit(".", 1)[-1]
    if not full:
        raise InputError(f"{at(path)}: an entry has no type; restore the file.")
    return full


def _inside(path: Path, folder: Path, entry: dict) -> Path:
    place = Path(str(entry.get("path", "")))
    if place.is_absolute() or ".." in place.parts:
        raise InputError(f"{at(path)}: module path '{place}' leaves the model's folder; restore the file.")
    return folder / place
