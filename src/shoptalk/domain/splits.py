"""Dealing the queries of an ontology out to splits, a component of like-spelt queries at a time."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from shoptalk.domain.synonyms import KINDS, SynonymQuery
from shoptalk.errors import InputError

_STREAM = 0x5B1
Wanted = Callable[[SynonymQuery], bool]


@dataclass(frozen=True)
class Sizes:
    """Queries per split; the ``audit_*`` are the least the audit split holds of each, as far as there are."""

    test: int = 300
    dev: int = 200
    calibration: int = 100
    audit: int = 2000
    train: int = 300
    audit_abbreviations: int = 250
    audit_layperson: int = 700
    audit_number_twins: int = 400

    @classmethod
    def of(cls, given: Mapping[str, int]) -> "Sizes":
        """The defaults with what is given in their place.

        Raises:
            InputError: an unknown name, a size that is no whole number of 0 or more, or an empty test or dev.
        """
        known = [field.name for field in fields(cls)]
        for name, size in given.items():
            if name not in known:
                raise InputError(f"domain.sizes.{name} is not known; the sizes are {', '.join(known)}.")
            least = 1 if name in ("test", "dev") else 0
            if isinstance(size, bool) or not isinstance(size, int) or size < least:
                raise InputError(f"domain.sizes.{name}={size} is not possible; give a whole number of {least} or more.")
        return cls(**given)

    def splits(self) -> dict[str, int]:
        """Queries asked per split."""
        return {name: getattr(self, name) for name in ("test", "dev", "calibration", "audit", "train")}


@dataclass
class _Deal:
    """Components in random order, and which split each went to.

    A term always keeps a component outside the judged splits, unless ``emptying`` is allowed.
    """

    queries: Sequence[SynonymQuery]
    order: list[list[int]]
    left: Counter = field(default_factory=Counter)
    split_of: dict[int, str] = field(default_factory=dict)

    def have(self, split: str, wanted: Wanted | None = None) -> int:
        """How many (wanted) queries ``split`` holds."""
        return sum(s == split and (wanted is None or wanted(self.queries[row])) for row, s in self.split_of.items())

    def fill(self, split: str, wanted: Wanted, goal: int, size: int, emptying: bool = False) -> None:
        """Give ``split`` components with wanted queries until it holds ``goal`` of them or ``size`` in all."""
        have, total = self.have(split, wanted), self.have(split)
        for component in self.order:
            if have >= goal or total >= size:
                break
            term = self.queries[component[0]].term
            if component[0] in self.split_of or (self.left[term] < 2 and not emptying):
                continue
            gain = sum(wanted(self.queries[row]) for row in component)
            if not gain or have + gain > goal or total + len(component) > size:
                continue
            self.left[term] -= 1
            self.split_of.update(dict.fromkeys(component, split))
            have, total = have + gain, total + len(component)


def deal(queries: Sequence[SynonymQuery], twins: set[str], sizes: Sizes, seed: int) -> dict[str, list[int]]:
    """Rows of ``queries`` per split, ascending: test, dev, calibration, audit, train and intents.

    A component (queries of one term, alike in spelling) lies in one split as a whole. Components of the four
    judged splits are drawn at random from terms with two or more, and leave their term at least one, with
    one exception: abbreviations are so few that, once those that leave one are drawn, the others are drawn
    too. The audit split gets its abbreviations first; test, dev and calibration share what remains of them
    by size, up to a third each, and fill the rest half with layperson and half with formal queries. The audit
    split goes on with number twins and layperson queries up to their least numbers, then formal ones.
    Queries without a kind are never drawn for a judged split on their own account. ``train`` is drawn from
    whatever is left, and the rest is ``intents``.

    Args:
        twins: ids of the terms whose name differs from another's in a number alone.
    """
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row, query in enumerate(queries):
        groups[query.term, query.component].append(row)
    several = Counter(term for term, _ in groups)
    components = list(groups.values())
    shuffled = [components[at] for at in np.random.default_rng([_STREAM, seed]).permutation(len(components))]
    dealt = _Deal(queries, [c for c in shuffled if several[queries[c[0]].term] > 1], several)
    _judged(dealt, twins, sizes)
    train = _Deal(queries, [c for c in shuffled if c[0] not in dealt.split_of])
    train.fill("train", lambda query: True, sizes.train, sizes.train, emptying=True)
    rows: dict[str, list[int]] = {s: [] for s in ("test", "dev", "calibration", "audit", "train", "intents")}
    split_of = {**dealt.split_of, **train.split_of}
    for row in range(len(queries)):
        rows[split_of.get(row, "intents")].append(row)
    return rows


def _judged(dealt: _Deal, twins: set[str], sizes: Sizes) -> None:
    steering = {"test": sizes.test, "dev": sizes.dev, "calibration": sizes.calibration}
    abbreviation, layperson, formal = (_of_kind(kind) for kind in ("abbreviation", "layperson", "formal"))
    thirds = _abbreviations(dealt, steering, sizes)
    for emptying in (False, True):
        for split, size in steering.items():
            dealt.fill(split, abbreviation, thirds[split], size, emptying)
        dealt.fill("audit", abbreviation, sizes.audit_abbreviations, sizes.audit, emptying)
    for split, size in steering.items():
        dealt.fill(split, layperson, (size - dealt.have(split, abbreviation)) // 2, size)
        dealt.fill(split, formal, size, size)
        dealt.fill(split, layperson, size, size)
    kinds = set(KINDS.values())
    dealt.fill("audit", lambda q: q.kind in kinds and q.term in twins, sizes.audit_number_twins, sizes.audit)
    dealt.fill("audit", layperson, sizes.audit_layperson, sizes.audit)
    dealt.fill("audit", formal, sizes.audit, sizes.audit)
    dealt.fill("audit", lambda q: q.kind in kinds, sizes.audit, sizes.audit)


def _abbreviations(dealt: _Deal, steering: dict[str, int], sizes: Sizes) -> dict[str, int]:
    """Abbreviations for test, dev and calibration: a third of each, or its part of what the audit leaves."""
    supply = sum(dealt.queries[row].kind == "abbreviation" for component in dealt.order for row in component)
    thirds = {split: size // 3 for split, size in steering.items()}
    left = max(supply - min(sizes.audit_abbreviations, sizes.audit), 0)
    share = min(1.0, left / max(sum(thirds.values()), 1))
    return {split: int(third * share) for split, third in thirds.items()}


def _of_kind(kind: str) -> Wanted:
    return lambda query: query.kind == kind
