"""A domain small enough to learn in seconds: queries speak jargon, documents speak plainly."""

import json
from pathlib import Path

import numpy as np

WORDS = 14
SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]


def _words(random: np.random.Generator, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found.setdefault("".join(random.choice(SYLLABLES, 2)))
    return list(found)


def write(folder: Path, documents: int = 60, seed: int = 0, splits: tuple[str, ...] = ("train", "dev", "test")) -> Path:
    """A BEIR folder of ``documents`` documents of three plain words each.

    A query names a document by the jargon for two or three of its words, in any order: no word is shared, so BM25 finds
    nothing, and whoever knows the dictionary finds everything.
    """
    random = np.random.default_rng(seed)
    words = _words(random, 2 * WORDS)
    plain, jargon = words[:WORDS], words[WORDS:]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "qrels").mkdir(exist_ok=True)
    contents = [sorted(random.choice(WORDS, 3, replace=False).tolist()) for _ in range(documents)]
    with open(folder / "corpus.jsonl", "w") as out:
        for i, words_of in enumerate(contents):
            text = " ".join(plain[w] for w in words_of)
            out.write(json.dumps({"_id": f"d{i}", "title": plain[words_of[0]], "text": text}) + "\n")
    queries, rows = [], {split: [] for split in splits}
    for split in splits:
        for place in range(documents * (6 if split == "train" else 1)):
            document = place % documents
            # Training queries are shorter, so that none of them is an evaluation query.
            order = random.permutation(contents[document])[: 2 if split == "train" else 3]
            query_id = f"{split}{place}"
            queries.append({"_id": query_id, "text": f"{' '.join(jargon[w] for w in order)}"})
            rows[split].append(f"{query_id}\td{document}\t1")
    with open(folder / "queries.jsonl", "w") as out:
        out.writelines(json.dumps(query) + "\n" for query in queries)
    for split in splits:
        (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(rows[split]) + "\n")
    return folder
