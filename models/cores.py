"""How many cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

# Of the control group that a container sees as its own: "MAX PERIOD", microseconds of CPU time in
# so many of the clock, or "max" for no limit
# (https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files).
QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota: Path = QUOTA) -> int:
    """Cores that this process is scheduled on, and no more than its container has a quota for.

    Threads beyond a quota use it up early in each period, and then all of them stand still.

    Args:
        quota: The file that states it; none where there is no such file.
    """
    scheduled = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    try:
        most, period = quota.read_text().split()
        granted = math.ceil(int(most) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return scheduled  # no quota, or none that can be read
    return max(1, min(scheduled, granted))
