import pytest
from tiny_models import bert

from shoptalk.errors import InputError
from shoptalk.fitting import checkpoint_of
from shoptalk.models.encoder import Encoder
from shoptalk.models.static import StaticEncoder
from shoptalk.training.settings import Settings


def test_weights_alone_are_no_checkpoint_to_go_on_from(tmp_path):
    (tmp_path / "best.ckpt").touch()
    (tmp_path / "last.ckpt").touch()
    with pytest.raises(InputError, match=r"weights alone.*last\.ckpt"):
        checkpoint_of(str(tmp_path / "best.ckpt"))
    assert checkpoint_of(str(tmp_path / "last.ckpt")) and checkpoint_of(None) is None


def test_the_learning_rate_is_the_encoders_own_unless_asked(tmp_path):
    options = {"batch_size": 8, "pairs": 8, "weight_decay": 0.0, "warmup": 0.1, "gradient_clip": 1.0, "looks": 1}
    auto, asked = (Settings(learning_rate=rate, chunk_tokens="auto", **options) for rate in ("auto", 3e-4))
    encoder = Encoder.load(str(bert(tmp_path / "model")))
    assert auto.rate(StaticEncoder) == 50 * auto.rate(encoder)
    encoder.backbone.config.hidden_size = 768
    assert auto.rate(encoder) == 1e-4
    assert asked.rate(StaticEncoder) == asked.rate(encoder) == 3e-4
    with pytest.raises(InputError, match=r"trainer.learning_rate=fast must be a number above 0"):
        Settings(learning_rate="fast", chunk_tokens="auto", **options)
