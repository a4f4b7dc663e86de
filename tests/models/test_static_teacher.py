import pytest
import tiny_models

from shoptalk.errors import InputError
from shoptalk.models.cross_encoder import CrossEncoder
from shoptalk.models.static import StaticEncoder


def test_a_static_model_makes_no_teacher_and_says_so(tmp_path):
    static = StaticEncoder.load(str(tiny_models.bert(tmp_path)))
    with pytest.raises(InputError, match="teacher=hub"):
        CrossEncoder.from_encoder(static)
