import pytest

from shoptalk.errors import InputError
from shoptalk.fitting import checkpoint_of


def test_weights_alone_are_no_checkpoint_to_go_on_from(tmp_path):
    (tmp_path / "best.ckpt").touch()
    (tmp_path / "last.ckpt").touch()
    with pytest.raises(InputError, match=r"weights alone.*last\.ckpt"):
        checkpoint_of(str(tmp_path / "best.ckpt"))
    assert checkpoint_of(str(tmp_path / "last.ckpt")) and checkpoint_of(None) is None
