"""How fast are training and embedding on a GPU, against sentence-transformers, and near to what the GPU can do?

Three backbones with random weights and MiniLM's tokenizer: MiniLM's own shape, a BERT of 110M weights, and one of 0.6B
in the shape of Qwen3. Both sides train in bf16 over fp32 weights on the pairs of equal_work.py, in the same order, with
the same rate, decay and clipping and no dropout; the peer tokenises within its steps, ours before them, and its speed
holds their share of that. Both sides then embed the same documents from texts to vectors, in bf16.

Model FLOP utilisation counts 6 FLOPs (2 where nothing is trained) for each weight outside the embedding tables and each
real token; attention's products, padding and tokenising count nothing, so that they lower it. Its ceiling is a bf16
matrix product of 8,192 x 8,192 x 8,192 on the same GPU.

    python benchmarks/training/gpu.py [--models minilm 110M 0.6B] [--pairs 256] [--steps 20] [--rounds 3]

Nothing is asked of these figures. Needs a CUDA device and sentence-transformers[train].
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ours
import peer
import torch
from common import CONSOLE, MODEL, Trained, add_work, cell, parser, rounds, spread, table, write
from data import Drawn, Ground, config, draw, load, sample
from hydra.utils import instantiate
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedModel, Qwen3Config, Qwen3Model

from shoptalk.errors import InputError
from shoptalk.models.encoder import Encoder
from shoptalk.models.loading import resolve
from shoptalk.system import set_threads

PEER, OURS = "peer", "ours"
TABLES = ("embeddings.", "embed_tokens.", "pooler.")
SIDE = 8192  # of the matrices whose product is the ceiling


def minilm(words: int) -> PreTrainedModel:
    """22.7M weights: 6 layers of 384."""
    layers = {"num_hidden_layers": 6, "num_attention_heads": 12}
    return BertModel(BertConfig(vocab_size=words, hidden_size=384, intermediate_size=1536, **layers), False)


def base(words: int) -> PreTrainedModel:
    """110M weights: 12 layers of 768."""
    return BertModel(BertConfig(vocab_size=words), False)


def large(words: int) -> PreTrainedModel:
    """28 layers of 1,024 in Qwen3's shape; with its vocabulary 0.6B weights, of which 440M are in the layers."""
    heads = {"num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128}
    layers = {"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "max_position_embeddings": 512}
    return Qwen3Model(Qwen3Config(vocab_size=words, **layers, **heads))


BACKBONES: dict[str, tuple[Callable[[int], PreTrainedModel], str]] = {
    "minilm": (minilm, "mean"),
    "110M": (base, "mean"),
    "0.6B": (large, "lasttoken"),
}


def save(name: str, folder: Path) -> Path:
    """A model that both sides read."""
    build, pooling = BACKBONES[name]
    tokenizer, parts = AutoTokenizer.from_pretrained(resolve(MODEL)), folder / "transformer"
    torch.manual_seed(0)
    build(151_669 if name == "0.6B" else len(tokenizer)).save_pretrained(parts)
    tokenizer.save_pretrained(parts)
    transformer = Transformer(str(parts), max_seq_length=256)
    head = Pooling(transformer.get_embedding_dimension(), pooling)
    SentenceTransformer(modules=[transformer, head], device="cpu").save(str(folder / "model"))
    return folder / "model"


def seconds(work: Callable[[], Any]) -> float:
    """How long ``work`` takes by the clock, what the GPU has to do included."""
    torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - began


def ceiling(calls: int = 20) -> float:
    """FLOP/s of a large bf16 matrix product, the best of ``calls``."""
    left, right = (torch.randn(SIDE, SIDE, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    return 2 * SIDE**3 / min(seconds(lambda: left @ right) for _ in range(calls))


def trained(drawn: Drawn, size: int, model: Path, count: int) -> dict[str, list[Trained]]:
    """Both sides' runs; the first of each, which builds kernels, is not among them."""
    name, settings = str(model), instantiate(config("trainer.accelerator=gpu").trainer)

    def of(side: Callable[[Path], Trained]) -> Callable[[], Trained]:
        def run() -> Trained:
            with TemporaryDirectory() as folder:
                found = side(Path(folder))
            found.model = None  # gives its memory back
            return found

        return run

    sides = {
        PEER: of(lambda folder: peer.train(drawn, size, folder, bf16=True, settings=settings, model=name, gpu=True)),
        OURS: of(lambda folder: ours.train(drawn, size, folder, "trainer.accelerator=gpu", f"model.name={name}")),
    }
    return {side: line[1:] for side, line in rounds(sides, count + 1).items()}


def embedded(texts: list[str], model: Path, count: int) -> dict[str, list[float]]:
    """Seconds of embedding ``texts`` on both sides, in bf16."""
    there = SentenceTransformer(str(model), device="cuda").bfloat16()
    here = Encoder.load(str(model)).to("cuda").eval()
    sides = {PEER: lambda: there.encode(texts), OURS: lambda: here.embed(texts, "document")}
    timed = {name: lambda work=work: seconds(work) for name, work in sides.items()}
    return {side: line[1:] for side, line in rounds(timed, count + 1).items()}


def measure(name: str, drawn: Drawn, texts: list[str], chosen: argparse.Namespace, top: float) -> dict[str, Any]:
    """Speeds and utilisation of one backbone."""
    with TemporaryDirectory() as work:
        model = save(name, Path(work))
        encoder = Encoder.load(str(model))
        weights = sum(w.numel() for n, w in encoder.backbone.named_parameters() if not n.startswith(TABLES))
        pair = [len(encoder.tokenize(part, kind).values) for part, kind in
                ((drawn.queries, "query"), (drawn.documents, "document"))]  # fmt: skip
        per_pair, per_text = sum(pair) / len(drawn), len(encoder.tokenize(texts, "document").values) / len(texts)
        runs = trained(drawn, chosen.pairs, model, chosen.rounds)
        took = embedded(texts, model, chosen.rounds)
    training = {side: spread([run.speed for run in line]) for side, line in runs.items()}
    embedding = {side: spread([len(texts) / s for s in line]) for side, line in took.items()}
    return {
        "weights_in_layers": weights,
        "pairs_per_s": training,
        "training_mfu": {side: 6 * weights * per_pair * one["median"] / top for side, one in training.items()},
        "losses": {side: line[-1].losses for side, line in runs.items()},
        "documents_per_s": embedding,
        "embedding_mfu": {side: 2 * weights * per_text * one["median"] / top for side, one in embedding.items()},
    }


def show(figures: dict[str, dict[str, Any]], chosen: argparse.Namespace, gpu: str) -> None:
    """A row for each backbone and kind of work."""
    shown = table(
        f"{gpu}, bf16: training on {chosen.pairs} pairs a step, embedding {chosen.documents or 'all'} documents",
        ["work", "ours (rounds)", "peer (rounds)", "ours / peer", "MFU ours", "MFU peer"],
    )
    for name, told in figures.items():
        for work, unit, mfu in (("training", "pairs_per_s", "training_mfu"), ("embedding", "documents_per_s",
                                                                              "embedding_mfu")):  # fmt: skip
            own, other = told[unit][OURS], told[unit][PEER]
            shown.add_row(
                f"{name}: {work}, {unit.replace('_per_', '/')}", cell(own, 0), cell(other, 0),
                f"{own['median'] / other['median']:.2f}", f"{told[mfu][OURS]:.1%}", f"{told[mfu][PEER]:.1%}",
            )  # fmt: skip
    CONSOLE.print(shown)


def main(chosen: argparse.Namespace) -> None:
    """Train and embed, print, write."""
    if not torch.cuda.is_available():
        raise InputError("gpu.py needs a CUDA device and none is visible.")
    set_threads(chosen.threads)
    domain, gpu, top = load(chosen.cache), torch.cuda.get_device_name(), ceiling()
    drawn = draw(Ground(domain), chosen.pairs, chosen.steps, chosen.seed)
    texts = sample(domain.corpus, chosen.documents, chosen.seed)
    told = {name: getattr(chosen, name) for name in ("steps", "pairs", "documents", "seed")}
    figures: dict[str, dict[str, Any]] = {}
    for name in chosen.models:
        figures[name] = measure(name, drawn, texts, chosen, top)
        show(figures, chosen, gpu)
        write(told | {"gpu": gpu, "ceiling_tflops": top / 1e12, "models": figures}, [], chosen.out, "gpu")


if __name__ == "__main__":
    options = parser(__doc__)
    add_work(options)
    options.add_argument("--models", nargs="+", choices=list(BACKBONES), default=list(BACKBONES))
    options.add_argument("--steps", type=int, default=20, help="optimizer steps of a run (20)")
    options.add_argument("--pairs", type=int, default=256, help="pairs of a step (256)")
    options.add_argument("--documents", type=int, default=0, help="documents embedded; 0 for all (0)")
    main(options.parse_args())
