"""Which of several training processes this is: `torchrun` and `accelerate launch` say so in the environment."""

from __future__ import annotations

import os
from typing import Any, TypeVar

from isnad.errors import IsnadError

T = TypeVar("T")


def processes() -> int:
    """How many processes train together; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """The number of this one, from 0."""
    return int(os.environ.get("RANK", "0"))


def is_first() -> bool:
    """Whether this process writes the files and speaks for all."""
    return rank() == 0


def same_for_all(value: T) -> T:
    """The first process's `value`, in every process; all of them must call it."""
    if processes() == 1:
        return value
    from torch.distributed import broadcast_object_list

    held = [value]
    broadcast_object_list(held, src=0)
    return held[0]


def wait_for_all() -> None:
    """Go on when every process is here."""
    if processes() > 1:
        from torch.distributed import barrier

        barrier()


def check_sharding(plugin: Any) -> None:
    """Raise IsnadError where accelerate's FSDP `plugin` is not set as our checkpoints need it.

    Checkpoints in one piece (FULL_STATE_DICT) are written, and hang when they are read (accelerate 1.15).
    """
    kind = plugin.state_dict_type.name
    if plugin.fsdp_version != 2 or kind != "SHARDED_STATE_DICT":
        raise IsnadError(
            "expected fsdp_version: 2 and fsdp_state_dict_type: SHARDED_STATE_DICT, found "
            f"{plugin.fsdp_version} and {kind}; set them as in configs/accelerate/fsdp.yaml"
        )
