"""Queries of an endpoint from the source's side: a run that broke off goes on and pays for nothing twice."""

import pytest
from llm_server import serving

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.errors import InputError
from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.api.model import ApiModel
from shoptalk.sources.synthetic.llm import LanguageModelGenerator
from shoptalk.sources.synthetic.prompts import Template
from shoptalk.sources.synthetic.source import SyntheticSource

COUNT = 12
CORPUS = Corpus([f"d{k}" for k in range(COUNT)], [f"horn {k}" for k in range(COUNT)], [""] * COUNT)


def test_an_endpoint_that_dies_at_half_is_asked_for_the_rest_alone(tmp_path):
    ground = Ground(Domain("toy", CORPUS, {}), None, Cache(tmp_path), 0)
    with serving(dies_after=5) as server:
        model = lambda: ApiModel(server.url, "told", tries=1, concurrency=2)  # noqa: E731
        source = lambda: SyntheticSource(LanguageModelGenerator(model(), Template("", "{document}")), None, 1)  # noqa: E731
        with pytest.raises(InputError, match="5 of 12 prompts were answered"):
            source().read("synthetic", ground)
        server.revived()
        found = source().read("synthetic", ground)
        assert found.pairs["query"].n_unique() == COUNT and found.rejected.is_empty()
        assert sorted(server.answered.values()) == [1] * COUNT
        source().read("synthetic", ground)
        assert server.answered.total() == COUNT
