"""Several retrievers as one."""

from collections.abc import Sequence

from shoptalk.arms.base import Arm, Bench, Opened, Search
from shoptalk.errors import InputError, whole_number
from shoptalk.retrieval.combining import fuse
from shoptalk.retrieval.ranked import Ranked


class Hybrid:
    """Reciprocal rank fusion of arms; see ``fuse``.

    Args:
        of: the arms, two or more.
        k: of the fusion.
        depth: documents asked of each arm, or as many as are wanted of the fusion where those are more.
    """

    def __init__(self, of: Sequence[Arm], k: int = 60, depth: int = 100, name: str | None = None):
        if not isinstance(of, Sequence) or len(of) < 2:
            raise InputError("models: hybrid needs two arms or more; name them, as in bm25+minilm.")
        self.of, self.k, self.depth = list(of), whole_number("models: k", k), whole_number("models: depth", depth)
        self.name = name or "+".join(arm.name for arm in of)

    def open(self, bench: Bench) -> Opened:
        """See ``Arm``."""
        parts = [arm.open(bench) for arm in self.of]
        live = [part.live for part in parts]
        sizes = [part.facts["parameters"] for part in parts if "parameters" in part.facts]
        return Opened(
            self._fused([part.search for part in parts]),
            live=None if None in live else self._fused(live),
            facts={"parameters": sum(sizes)} if sizes else {},
            notices=[notice for part in parts for notice in part.notices],
            parts=parts,
        )

    def _fused(self, searches: Sequence[Search]) -> Search:
        def search(queries: Sequence[str], top: int) -> Ranked:
            return fuse([one(queries, max(top, self.depth)) for one in searches], top, self.k)

        return search
