"""Losses over tensors; none of them knows a model."""

from shoptalk.losses.base import Loss, weighted_mean
from shoptalk.losses.compose import composed
from shoptalk.losses.infonce import InfoNCE
from shoptalk.losses.kl import KL
from shoptalk.losses.margin_mse import MarginMSE
from shoptalk.losses.matryoshka import Matryoshka
from shoptalk.losses.spread_out import SpreadOut
from shoptalk.losses.targets import Targets

__all__ = ["KL", "InfoNCE", "Loss", "MarginMSE", "Matryoshka", "SpreadOut", "Targets", "composed", "weighted_mean"]
