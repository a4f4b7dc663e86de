"""One experiment, the whole way: domain, sources, mixing, negatives, training, verdict."""

from dataclasses import replace
from typing import Any

import polars as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from shoptalk import comparing, interpolating
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.domain.restrict import restrict
from shoptalk.efficiency.catalogue import entry_of
from shoptalk.embedding import CachedEmbed
from shoptalk.errors import InputError, only_chosen
from shoptalk.export import export
from shoptalk.fitting import Fitted, Pool, fit
from shoptalk.frame import Run
from shoptalk.losses import Loss
from shoptalk.mining import Mining, retrievers
from shoptalk.mixing import Mixing, Schedule
from shoptalk.negatives.mined import Mined
from shoptalk.outcome import Outcome
from shoptalk.preparing import Gathered, examples, gather
from shoptalk.reporting import logs, results, simulation, tables
from shoptalk.reporting.card import card
from shoptalk.reporting.negatives import Negatives
from shoptalk.reporting.negatives_truth import Truth
from shoptalk.reporting.picture import picture
from shoptalk.reporting.report import Evidence, report
from shoptalk.retrieval.dense import Dense
from shoptalk.simulated import simulated_log
from shoptalk.slicing import described, word_pieces
from shoptalk.sources.cached import CachedSource
from shoptalk.sources.pairs import Ground, Voice
from shoptalk.training.ranks import any_of, embedded, world


def train(cfg: DictConfig) -> Outcome | None:
    """Compose, train and measure one config; everything it leaves lies in ``cfg.run.dir``.

    ``None`` in the processes of a distributed run beside the first.
    """
    with Run(cfg, Console(quiet=not cfg.run.progress)) as run:
        loss, mixing = instantiate(cfg.loss), instantiate(cfg.mixing)
        temperatures = own_temperatures(cfg, loss)
        check_weights(mixing, run)
        with run.stage("domain", "Reading the domain and embedding its corpus"):
            domain = load_domain(cfg, run)
            base = instantiate(cfg.model).to(run.device)
            embed = CachedEmbed(base, run.cache, run.threads, run.stages.bar)
            embed_corpus(embed, base, domain.corpus)
            alphas = interpolating.checked(cfg.evaluation.interpolate, domain)
            share = run.settings.share(watched="dev" in domain.splits)

        with run.stage("sources", f"Reading {', '.join(cfg.data.sources)}"):
            simulated = simulated_log(domain, run.cache, run.threads, run.stages.bar) if domain.intents else None
            # What the domain hides is for the report; nothing that learns is handed it.
            unrecorded, domain = domain.unrecorded, replace(domain, unrecorded={})
            log, voice = simulated.log if simulated else None, Voice(run.console.print, run.stages.bar)
            ground = Ground(domain, embed, run.cache, cfg.seed, log, voice=voice, form=instantiate(cfg.forms))
            sources = {name: cached_source(node) for name, node in cfg.data.sources.items()}
            found = gather(sources, ground)
            domain, known = found.domain, found.known
            told_by_logs = logs.leave(run.folder, found.yielded, run.console) if run.main else {}
            schedule = mixing.schedule(found.pairs, list(cfg.data.sources), cfg.seed, run.settings.pairs)
            bm25, zero_shot, near = retrievers(cfg, run, embed, domain.corpus)

        with run.stage("negatives", "Mining negatives"):
            mining = Mining(cfg, run, found, base, near, bm25, distil="teacher" in loss.needs)
            if mining.found is not found:
                found, known = mining.found, mining.found.known
                schedule = mixing.schedule(found.pairs, list(cfg.data.sources), cfg.seed, run.settings.pairs)
            mined = mining.mine()
            write_tables(run, found, schedule, mined)

        with run.stage("fit", f"Training on {len(schedule.rows):,} draws from {found.pairs.height:,} pairs"):
            guide = embed if "guide" in loss.needs else None
            weighted = found.pairs.with_columns(weight=pl.Series(schedule.weights))
            data = examples(
                weighted, mined.table, schedule.rows, domain.corpus, known, embed.tokens, guide, temperatures
            )
            dev = domain.splits.get("dev")
            of_pool = [bm25, zero_shot], run.settings.watch_depth, run.settings.watch_random
            watch = Pool(dev, domain.corpus, embed.tokens, *of_pool) if dev else None
            fitted = fit(cfg, run, loss, data, mining.per_pair, watch, mining.refreshing(embed.tokens))
            fitted = interpolating.kept(fitted, base, share, watch)

        with run.stage("evaluate", "Measuring over the full corpus"):
            with run.stages.bar("embedding with the adapted model") as tell:
                ids, prompt = embed.tokens(domain.corpus.passages, "document"), base.prompt_length("document")
                vectors = embedded(fitted.encoder.embed_ids, ids, prompt, tell)
            between = interpolating.between(alphas, base, fitted.encoder, ids, dev, domain.corpus, run.stages.bar)
            if not run.main:
                return None
            searches = {"bm25": bm25, "zero_shot": zero_shot, "adapted": Dense(fitted.encoder.embed, vectors)}
            of_queries = ground.form, word_pieces(base), set(found.pairs["doc_id"])
            splits = {name: described(judged, *of_queries) for name, judged in run.splits(domain).items()}
            hits = comparing.search_all(searches, splits, domain.corpus)
            per_query = comparing.scored(hits, splits, domain.corpus)

        # Only now, when nothing can learn from it any more, is the truth read.
        clicked = [name for name, given in found.yielded.items() if given.simulated]
        truth = Truth.read(simulated.truth if simulated and clicked else None, unrecorded, clicked)
        chosen = OmegaConf.to_container(cfg.negatives, resolve=True)
        negatives = Negatives.of(mined, found.pairs, domain.corpus, truth, cfg.seed, chosen)
        metrics = results.metrics(run, domain, found, schedule, mined, negatives, fitted, per_query, splits, hits)
        if between:
            ends = (comparing.values(per_query, "dev", arm) for arm in ("zero_shot", "adapted"))
            metrics["interpolation"] = interpolating.curve(between, *ends)
        metrics |= {"logs": told_by_logs} if told_by_logs else {}
        if simulated and clicked:
            metrics["simulated"] = simulation.told(found.pairs.filter(pl.col("source").is_in(clicked)), simulated.truth)
        written = {name: given.quality() for name, given in found.yielded.items() if given.quality is not None}
        metrics |= {"synthetic": written} if written else {}
        leave(run, metrics, per_query, comparing.shown(hits, splits, domain.corpus), negatives, fitted)
    tables.show(metrics, run.console)
    run.console.print(f"[dim]{run.folder}[/]")
    return Outcome(metrics, per_query, run.folder, domain.corpus, searches["adapted"])


def cached_source(node: DictConfig) -> CachedSource:
    """The source of ``data.sources``, read once for all that it reads."""
    return CachedSource(instantiate(node), OmegaConf.to_container(node, resolve=True))


def own_temperatures(cfg: DictConfig, loss: Loss) -> dict[str, float]:
    """The temperatures of the sources that have their own.

    Raises:
        InputError: one is of a source not chosen, or the loss knows no temperature.
    """
    found = instantiate(cfg.temperature).by_source
    only_chosen("temperature.by_source", found, list(cfg.data.sources))
    if found and not loss.tempered:
        raise InputError(f"temperature.by_source.{next(iter(found))} is set, but this loss divides no score by a "
                         "temperature; unset it, or choose another loss, as loss=infonce.")  # fmt: skip
    return found


def check_weights(mixing: Mixing, run: Run) -> None:
    """Refuse weights of sources where each batch has a source to itself, so that they would cancel."""
    if mixing.weights and run.settings.one_source:
        raise InputError(f"mixing.weights.{next(iter(mixing.weights))} counts for nothing in batches of one source, "
                         "each a mean over its own weights; set mixing.ratios instead, or "
                         "trainer.one_source=false.")  # fmt: skip


def embed_corpus(embed: CachedEmbed, base: Any, corpus: Corpus) -> None:
    """The base model's vectors of the corpus, each process making its share where there are several."""
    if world()[1] == 1:
        embed(corpus.passages, "document")
    elif any_of(not embed.has(corpus.passages, "document")):
        ids, prompt = embed.tokens(corpus.passages, "document"), base.prompt_length("document")
        embed.put(corpus.passages, "document", embedded(base.embed_ids, ids, prompt))


def write_tables(run: Run, found: Gathered, schedule: Schedule, mined: Mined) -> None:
    """Write what the run trains on before it does, so that a run that fails can be looked into."""
    run.write("pairs", found.pairs.with_columns(times_drawn=pl.Series(schedule.times_drawn)))
    run.write("negatives", mined.table)
    if mined.hard_cases is not None and run.main:
        mined.hard_cases.write_csv(run.folder / "hard_cases.csv")
    for source, rejected in found.rejected.items():
        run.write(f"rejected/{source}", rejected)


def leave(
    run: Run,
    metrics: dict[str, Any],
    per_query: pl.DataFrame,
    ranked: pl.DataFrame,
    negatives: Negatives,
    fitted: Fitted,
) -> None:
    """Write what the run found: model, report, figures."""
    config = OmegaConf.to_container(OmegaConf.load(run.folder / "config.yaml"))
    known = entry_of(run.cfg.model.name)
    told = card(metrics, config, fitted.encoder, per_query, known.licence if known else None)
    export(fitted.encoder, run.folder / "model", told)
    run.write("ranked", ranked)
    page = report(metrics, negatives, Evidence(per_query, ranked, config))
    (run.folder / "report.html").write_text(page, encoding="utf-8")
    if drawn := picture(metrics):
        (run.folder / "result.svg").write_text(drawn)
    run.close(metrics, per_query, negatives)


def load_domain(cfg: DictConfig, run: Run) -> Domain:
    """The domain, cut to ``trainer.documents`` where that is set."""
    domain = instantiate(cfg.domain).load(run.cache)
    return domain if run.settings.documents is None else restrict(domain, run.settings.documents)
