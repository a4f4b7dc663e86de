"""Sections as a W&B Report."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Sequence
from netrc import NetrcParseError, netrc
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlparse
from urllib.request import urlopen

from rich.console import Console
from rich.markup import escape

from shoptalk.errors import InputError
from shoptalk.reporting import markdown
from shoptalk.reporting.runs.parts import Code, Grid, Section
from shoptalk.reporting.runs.told import Told

TITLE = 128
"""Characters that W&B allows a title."""


class WandbReport:
    """Sends the report to W&B, and says which runs it has no panels of because they were kept offline.

    Args:
        project, entity: where the report goes; ``None`` takes those of the first run that names them.
    """

    def __init__(self, project: str | None = None, entity: str | None = None):
        self.project, self.entity = project, entity

    def __call__(self, title: str, sections: Sequence[Section], runs: Sequence[Told], console: Console) -> None:
        """Make the report, save it in W&B and print its address.

        Raises:
            InputError: the package or the key is missing, or W&B refuses.
        """
        extra()
        host = _logged_in()
        _reached(host)
        project = self.project or _first(runs, "project") or "shoptalk"
        try:
            entity = self.entity or _first(runs, "entity") or _own_entity()
            made = report(title, sections, runs, project, entity).save()
        except Exception as error:  # of the network, the server or its client
            told = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"publish=wandb: {host} did not take the report ({told}); mend that, or take "
                             "publish=page, which needs nobody.") from error  # fmt: skip
        console.print(made.url, highlight=False, soft_wrap=True)
        kept = [str(path) for run in runs for path in run.offline]
        if kept:
            told = f"For live panels of runs kept offline, send them and publish again: wandb sync {' '.join(kept)}"
            console.print(f"[yellow]note:[/] {escape(told)}", highlight=False, soft_wrap=True)


def extra() -> Any:
    """The package that makes reports.

    Raises:
        InputError: it is not installed.
    """
    try:
        os.environ.setdefault("WANDB_SILENT", "true")
        import wandb_workspaces.reports.v2 as reports
    except ImportError as error:
        raise InputError("publish=wandb needs the package wandb-workspaces: pip install '.[reports]'.") from error
    return reports


def report(title: str, sections: Sequence[Section], runs: Sequence[Told], project: str, entity: str) -> Any:
    """The report as an object of ``wandb_workspaces``; nothing is sent."""
    reports = extra()
    blocks = [reports.TableOfContents()]
    for section in sections:
        blocks += [reports.H2(text=section.title), *_blocks(reports, section)]
    ids = [name for run in runs for name in run.sent]
    if ids:
        blocks += [reports.H2(text="Runs"), _panels(reports, ids, project, entity)]
    return reports.Report(project=project, entity=entity, title=title[:TITLE], blocks=blocks, width="fluid")


def _blocks(reports: Any, section: Section) -> Iterator[Any]:
    for part in section.parts:
        if isinstance(part, Grid):
            yield reports.MarkdownBlock(text=markdown.table(part.columns, part.rows, part.words))
        elif isinstance(part, Code):
            yield reports.CodeBlock(code=part.text, language="yaml")
        else:
            yield reports.P(text=part)


def _panels(reports: Any, ids: Sequence[str], project: str, entity: str) -> Any:
    """Live panels of the runs themselves: the dev pool while training, and the table of every query."""
    runset = reports.Runset(project=project, entity=entity, name="Runs", filters=f"Metric('ID') in {list(ids)}")
    curve = reports.LinePlot(x="Step", y=["dev_pool/ndcg@10"], layout=reports.Layout(w=24, h=8))
    queries = reports.WeavePanelSummaryTable(table_name="per_query", layout=reports.Layout(y=8, w=24, h=12))
    return reports.PanelGrid(runsets=[runset], panels=[curve, queries])


def _first(runs: Sequence[Told], name: str) -> str | None:
    return next((found for run in runs if (found := run.config.get("logger", {}).get(name))), None)


def _own_entity() -> str:
    import wandb

    return wandb.Api().default_entity


def _logged_in() -> str:
    """The address of W&B, once there is a key for it; without one its client would ask whoever sits there.

    Raises:
        InputError: there is no key.
    """
    import wandb

    host = wandb.setup().settings.base_url
    if not os.environ.get("WANDB_API_KEY") and not _in_netrc(urlparse(host).hostname or ""):
        raise InputError(f"publish=wandb finds no key for {host}: run `wandb login`, or set WANDB_API_KEY.")
    return host


def _reached(host: str) -> None:
    """Ask once: W&B's client would go on trying for minutes.

    Raises:
        InputError: nothing answers.
    """
    try:
        urlopen(host, timeout=10).close()
    except HTTPError:
        return
    except OSError as error:
        told = getattr(error, "reason", error)
        if not isinstance(told, ssl.SSLError):  # the client may know other certificates
            raise InputError(f"publish=wandb: nothing answers at {host} ({told}); take publish=page, which needs "
                             "nobody.") from error  # fmt: skip


def _in_netrc(host: str) -> bool:
    """Whether `wandb login` left a key for ``host``."""
    try:
        return netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, NetrcParseError):
        return False
