import json

import numpy as np
import pytest
import torch

from shoptalk.errors import InputError
from shoptalk.models.modules import MODES, Dense, Normalize, Pooling

RULES = {
    "cls": lambda rows: rows[0],
    "max": lambda rows: rows.max(0),
    "mean": lambda rows: rows.mean(0),
    "mean_sqrt_len_tokens": lambda rows: rows.sum(0) / np.sqrt(len(rows)),
    "weightedmean": lambda rows: np.average(rows, axis=0, weights=np.arange(1, len(rows) + 1)),
    "lasttoken": lambda rows: rows[-1],
}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("mode", MODES)
def test_pooling_is_its_rule_over_the_tokens_that_count(mode, side):
    draw = torch.Generator().manual_seed(1)
    hidden = torch.randn(4, 7, 5, generator=draw)
    mask = torch.zeros(4, 7, dtype=torch.int64)
    for row, length in enumerate((7, 3, 1, 5)):
        mask[row, slice(7 - length, 7) if side == "left" else slice(0, length)] = 1
    found = Pooling(5, (mode,))(hidden, mask).numpy()
    expected = [RULES[mode](hidden[row].numpy()[mask[row].numpy() == 1]) for row in range(4)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_prompt_may_be_left_out_of_the_mean(side):
    hidden, mask = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(2)), torch.ones(2, 6, dtype=torch.int64)
    mask[1, : 2 if side == "left" else None] = 0
    if side == "right":
        mask[1, :4] = 1
    start = 2 if side == "left" else 0
    found = Pooling(3, ("mean",), include_prompt=False)(hidden, mask, prompt_length=2)
    torch.testing.assert_close(found[0], hidden[0, 2:].mean(0))
    torch.testing.assert_close(found[1], hidden[1, start + 2 : start + 4].mean(0))


@pytest.mark.parametrize("modes", [("mean",), ("cls", "mean"), ("mean", "cls")])
def test_pooling_is_read_back(tmp_path, modes):
    Pooling(8, modes, include_prompt=False).write(tmp_path)
    again = Pooling.read(tmp_path)
    assert (again.width, again.modes, again.include_prompt) == (8, modes, False)
    assert again.dimension == 8 * len(modes)


def test_dense_is_read_back(tmp_path):
    dense = Dense(6, 4, True, "torch.nn.modules.activation.Tanh", residual=True)
    dense.write(tmp_path)
    vectors = torch.randn(3, 6)
    torch.testing.assert_close(Dense.read(tmp_path)(vectors), dense(vectors))


@pytest.mark.parametrize(
    "change, part",
    [
        ({"activation_function": "os.system"}, "none of torch.nn"),
        ({"activation_function": "torch.nn.modules.activation.nothing"}, "none of torch.nn"),
        ({"module_input_name": "token_embeddings"}, "no pooled vector"),
        ({"in_features": None}, "in_features"),
    ],
)
def test_a_dense_that_cannot_be_followed_is_refused(tmp_path, change, part):
    Dense(6, 4, True, "torch.nn.modules.linear.Identity").write(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text()) | change
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    with pytest.raises(InputError, match=part):
        Dense.read(tmp_path)


def test_an_unknown_pooling_mode_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"embedding_dimension": 8, "pooling_mode": "attention"}))
    with pytest.raises(InputError, match="'attention' is not one of"):
        Pooling.read(tmp_path)


def test_normalise_leaves_zero_alone():
    found = Normalize()(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))
