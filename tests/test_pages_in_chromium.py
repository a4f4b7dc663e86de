"""Both pages as a browser shows them; passed over where there is no Chromium."""

import html
import re
from urllib.parse import urlencode

import numpy as np
from asking import HOSTILE
from chromium import NEEDED, shown
from judging_sets import CORPUS, POOL, task

from shoptalk.domain.judgments import Judged
from shoptalk.judging.journal import Journal
from shoptalk.judging.site import Judging
from shoptalk.retrieval.ranked import Ranked
from shoptalk.searching.site import Searching
from shoptalk.serving.server import serving

pytestmark = NEEDED


def texts(page, tag):
    """Texts of all elements ``tag`` without the buttons inside, as a reader sees them."""
    inside = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.S)
    plain = (re.sub(r"<button.*?</button>|<[^>]*>", "", part, flags=re.S) for part in inside)
    return [html.unescape(part) for part in plain]


def as_html(text):
    """``text`` as a browser hands it back: it has no NUL, and one kind of line end."""
    return text.replace("\0", "\ufffd").strip()


def test_the_judging_page(tmp_path):
    journal = Journal(tmp_path / "ann.jsonl")
    for doc_id in POOL["q0"][:2]:
        journal.act("grade", "q0", doc_id, 3)
    with serving(Judging(task(), journal, CORPUS, "Judge").site(), "127.0.0.1", 0) as address:
        for number, (query_id, query) in enumerate(task().texts.items(), start=1):
            page, said = shown(f"{address}#{number}", tmp_path)
            assert not said, said
            titles = [CORPUS.titles[CORPUS.index[doc_id]] for doc_id in POOL[query_id]]
            found = [title.replace("… ", "") for title in texts(page, "h2")[: len(titles)]]
            assert [as_html(t) for t in found] == [as_html(t) or f"Document {n}" for n, t in enumerate(titles, start=1)]
            assert as_html(texts(page, "h1")[0].replace("… ", "")) == as_html(query)
            assert "<img" not in page and page.count("<script") == 2
            assert page.count('aria-pressed="true"') == (2 if number == 1 else 0)
    journal.close()


def test_the_search_page(tmp_path):
    def search(queries, k):
        rows = np.tile(np.arange(k) % len(CORPUS), (len(queries), 1))
        rows[:, len(CORPUS) :] = -1
        return Ranked(rows, np.where(rows >= 0, 0.5, -np.inf).astype(np.float32))

    dev = Judged([f"q{n}" for n in range(7)], HOSTILE, {"q0": {"d1": 3}})
    searches = dict.fromkeys(("base", "adapted", "bm25"), search)
    site = Searching(searches, CORPUS, 12, dev, {HOSTILE[0]: 0.5}, "Search").site()
    with serving(site, "127.0.0.1", 0) as address:
        page, said = shown(f"{address}?{urlencode({'q': HOSTILE[0], 'bm25': 1})}", tmp_path)
    assert not said, said
    titles = [title.replace("… ", "") for title in texts(page, "h3")]
    expected = [t or CORPUS.texts[n] for n, t in enumerate(CORPUS.titles)] * 3
    assert [as_html(title) for title in titles] == [as_html(title) for title in expected]
    assert "<img" not in page and page.count("<script") == 2 and page.count("judged 3") == 3
    assert html.escape(HOSTILE[1], quote=False) in page and "+0.50" in page
