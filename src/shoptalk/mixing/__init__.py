"""How much of each source the training stream holds, and how much it counts."""

from shoptalk.mixing.course import Course
from shoptalk.mixing.curriculum import Curriculum
from shoptalk.mixing.presets import Balanced, Constant, Mixing, Proportional, Smoothed, Weighted
from shoptalk.mixing.schedule import Schedule, Stage, schedule

__all__ = [
    "Balanced",
    "Constant",
    "Course",
    "Curriculum",
    "Mixing",
    "Proportional",
    "Schedule",
    "Smoothed",
    "Stage",
    "Weighted",
    "schedule",
]
