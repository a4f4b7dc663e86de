"""Sources read once for all that they read, however often a sweep asks for them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from shoptalk.cache import digest, digest_texts
from shoptalk.sources import stored
from shoptalk.sources.pairs import Ground, Source, Yielded

_VERSION = 1
"""Of the files of ``stored``."""


class CachedSource:
    """``source`` through the cache, where all that determines what it yields is known; else as it is.

    Known it is of a source with ``contents(ground)``: JSON-able, the version of its code and the hash of every file
    that it reads, or ``None`` where there is more, such as the answers of an endpoint. Its options must not name
    classes outside of this package, whose code has no version, and the vectors in its ground must have an
    ``identity``. What it says while it reads is said again. A source that diagnoses what it reads has
    ``diagnosis_files``, see ``stored``.

    Args:
        options: of the source, resolved; those in its ``immaterial`` decide how fast it reads and nothing else.
    """

    def __init__(self, source: Source, options: Mapping[str, Any]):
        self.source, self.after_others = source, getattr(source, "after_others", False)
        left_out = getattr(source, "immaterial", ())
        self.options = {name: value for name, value in options.items() if name not in left_out}

    def read(self, name: str, ground: Ground) -> Yielded:
        """See ``Source``."""
        # A source that is not read after the others must not depend on which of them stood before it.
        ground = ground if self.after_others else replace(ground, others=None)
        key = self._key(name, ground)
        if key is None:
            return self.source.read(name, ground)
        heard, reports = [], getattr(self.source, "diagnosis_files", None)

        def say(sentence: str) -> None:
            heard.append(sentence)
            ground.voice.say(sentence)

        def make(work: Path) -> None:
            listening = replace(ground, voice=replace(ground.voice, say=say))
            stored.write(work, self.source.read(name, listening), heard, reports)

        folder = ground.cache.folder("sources", key, make)
        found, said = stored.read(folder, reports)
        for sentence in said[len(heard) :]:
            ground.voice.say(sentence)
        return found

    def _key(self, name: str, ground: Ground) -> str | None:
        embed = getattr(ground.embed, "identity", None)
        if embed is None or not hasattr(self.source, "contents") or not all(map(_ours, targets(self.options))):
            return None
        contents = self.source.contents(ground)
        if contents is None:
            return None
        # As JSON in the order given, which decides: filters apply one after the other.
        options = json.dumps(self.options)
        forms = [[form, rule.pattern, rule.flags] for form, rule in ground.form.rules]
        others = None if ground.others is None else digest_texts([ground.others.write_json()])
        return digest(_VERSION, name, options, contents, ground.domain.digest, embed, ground.seed, forms, others)


def targets(options: Any) -> Iterator[str]:
    """Every class that options name, at any depth."""
    if isinstance(options, Mapping):
        yield from [options["_target_"]] if "_target_" in options else []
    for value in options.values() if isinstance(options, Mapping) else options if isinstance(options, list) else ():
        yield from targets(value)


def _ours(target: str) -> bool:
    return target.startswith("shoptalk.")
