"""Reads what W&B keeps of an offline run."""

import struct
from pathlib import Path

from wandb.proto import wandb_internal_pb2 as pb

BLOCK, HEADER = 32768, 7  # LevelDB's log format: each record's pieces as checksum, length, kind, data
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def records(folder: Path) -> list[pb.Record]:
    """All records of the one offline run under ``folder``."""
    [path] = folder.rglob("run-*.wandb")
    raw, place, found, part = path.read_bytes(), HEADER, [], b""
    while place + HEADER <= len(raw):
        if BLOCK - place % BLOCK < HEADER:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", raw[place : place + HEADER])
        part += raw[place + HEADER : place + HEADER + length]
        place += HEADER + length
        if kind in (FULL, LAST):
            found.append(pb.Record.FromString(part))
            part = b""
    return found
