"""Tiny models with random weights, saved by sentence-transformers in its own layout."""

import json
import random
from itertools import product
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    Gemma3TextConfig,
    Gemma3TextModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForSequenceClassification,
    Qwen3Model,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLMRobertaModel,
)

SYLLABLES = ["ka", "lo", "mi", "ru", "te", "so", "vin", "dra", "pel", "ost", "gar", "um"]
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-.,:?"


def texts(count: int, longest: int = 40, seed: int = 0) -> list[str]:
    """Invented sentences of 1 to ``longest`` words, some with digits, capitals and punctuation."""
    draw = random.Random(seed)
    word = lambda: "".join(draw.choices(SYLLABLES, k=draw.randint(1, 4)))  # noqa: E731
    lines = [[word() for _ in range(draw.randint(1, longest))] for _ in range(count)]
    return [" ".join(line).capitalize() + draw.choice(["", ".", " 12", "-b?"]) for line in lines]


def tokenizer(side: str, start: str | None, end: str | None, middle: tuple[str, ...] = ()) -> PreTrainedTokenizerFast:
    """A small WordPiece tokenizer with the special tokens ``start`` and ``end`` around a text."""
    special = ["[PAD]", "[UNK]", "[MASK]", *(token for token in (start, end) if token)]
    # Spelt out, as a trained vocabulary is another one every time.
    whole = [*CHARACTERS, *SYLLABLES, *("".join(pair) for pair in product(SYLLABLES, repeat=2)), "query", "passage"]
    pieces = dict.fromkeys([*special, *whole, *(f"##{piece}" for piece in [*CHARACTERS, *SYLLABLES])])
    engine = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))
    engine.normalizer = normalizers.BertNormalizer()
    engine.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    engine.add_special_tokens(special)
    around = lambda body: " ".join(part for part in (start, body, end) if part)  # noqa: E731
    pair = " ".join([around("$A"), *middle, f"$B:1 {end}:1" if end else "$B:1"])
    ids = [(token, engine.token_to_id(token)) for token in dict.fromkeys((start, end)) if token]
    if ids:
        engine.post_processor = processors.TemplateProcessing(single=around("$A"), pair=pair, special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=engine,
        pad_token="[PAD]",
        unk_token="[UNK]",
        mask_token="[MASK]",
        cls_token=start,
        eos_token=end,
        sep_token=end,
        padding_side=side,
        model_max_length=48,
        model_input_names=["input_ids", "attention_mask"] + (["token_type_ids"] if start == "[CLS]" else []),
    )


def _sizes(coder, **more) -> dict:
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    return sizes | {"vocab_size": len(coder), "max_position_embeddings": 64, "pad_token_id": 0} | more


def _loud(model):
    """Weights large enough that texts, positions and padding tell in the vectors."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(0.0, 0.25, generator=draw)
    return model.eval()


def _save(folder: Path, model, coder, modules, prompts=None) -> Path:
    place = folder / "plain"
    _loud(model).save_pretrained(place)
    coder.save_pretrained(place)
    first = Transformer(str(place))
    built = SentenceTransformer(modules=[first, *modules], prompts=prompts, device="cpu")
    built.save(str(folder / "st"), create_model_card=False)
    return folder / "st"


def bert(folder: Path, pooling="mean", include_prompt: bool = True, prompts=None, normalize: bool = True) -> Path:
    coder = tokenizer("right", "[CLS]", "[SEP]")
    modules = [Pooling(32, pooling, include_prompt=include_prompt), *([Normalize()] if normalize else [])]
    return _save(folder, BertModel(BertConfig(**_sizes(coder))), coder, modules, prompts)


def xlm_roberta(folder: Path, prompts=None) -> Path:
    coder = tokenizer("right", "<s>", "</s>", ("</s>",))
    config = XLMRobertaConfig(**_sizes(coder, max_position_embeddings=66, type_vocab_size=1))
    return _save(folder, XLMRobertaModel(config), coder, [Pooling(32, "mean"), Normalize()], prompts)


def gemma(folder: Path) -> Path:
    """As EmbeddingGemma: both directions of attention, mean, two Dense layers without bias, prompts for both kinds."""
    coder = tokenizer("right", "<bos>", "<eos>")
    sizes = _sizes(coder, num_key_value_heads=1, head_dim=8, sliding_window=16, use_bidirectional_attention=True)
    config = Gemma3TextConfig(**sizes, layer_types=["sliding_attention", "full_attention"])
    dense = [Dense(32, 64, bias=False, activation_function=torch.nn.Identity())]
    dense += [Dense(64, 24, bias=False, activation_function=torch.nn.Identity())]
    prompts = {"query": "task: search result | query: ", "document": "title: none | text: ", "other": "x: "}
    return _save(folder, Gemma3TextModel(config), coder, [Pooling(32, "mean"), *dense, Normalize()], prompts)


def qwen(folder: Path) -> Path:
    """As Qwen3-Embedding: left padding, the last token is the vector, an instruction on queries only."""
    coder = tokenizer("left", None, "<|endoftext|>")
    config = Qwen3Config(**_sizes(coder, num_key_value_heads=2, head_dim=8))
    prompts = {"query": "Instruct: find the passage\nQuery:", "document": ""}
    return _save(folder, Qwen3Model(config), coder, [Pooling(32, "lasttoken"), Normalize()], prompts)


def classifier(folder: Path, labels: int = 1, kind: str = "bert", **settings) -> Path:
    """A cross-encoder with ``labels`` outputs: ``bert``, ``xlm_roberta`` or ``qwen``, which reads the last token."""
    if kind == "qwen":
        coder, more = tokenizer("right", None, "<|endoftext|>"), {"num_key_value_heads": 2, "head_dim": 8}
        config, model = Qwen3Config, Qwen3ForSequenceClassification
    elif kind == "xlm_roberta":
        coder, more = (
            tokenizer("right", "<s>", "</s>", ("</s>",)),
            {"max_position_embeddings": 66, "type_vocab_size": 1},
        )
        config, model = XLMRobertaConfig, XLMRobertaForSequenceClassification
    else:
        coder, more = tokenizer("right", "[CLS]", "[SEP]"), {}
        config, model = BertConfig, BertForSequenceClassification
    _loud(model(config(**_sizes(coder, **more), num_labels=labels, **settings))).save_pretrained(folder)
    coder.save_pretrained(folder)
    return folder


def remote_code(folder: Path) -> Path:
    """A BERT whose class comes as Python code in the model's folder."""
    place = bert(folder)
    config = json.loads((place / "config.json").read_text())
    config |= {"model_type": "tiny_remote", "architectures": ["TinyModel"]}
    config["auto_map"] = {"AutoConfig": "modeling_tiny.TinyConfig", "AutoModel": "modeling_tiny.TinyModel"}
    (place / "config.json").write_text(json.dumps(config))
    (place / "modeling_tiny.py").write_text(
        "from transformers import BertConfig, BertModel\n\n\n"
        'class TinyConfig(BertConfig):\n    model_type = "tiny_remote"\n\n\n'
        "class TinyModel(BertModel):\n    config_class = TinyConfig\n"
    )
    return place
