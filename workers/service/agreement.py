"""How a shadow's verdicts on a batch compare with those of the model in service."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from schemas.label import Label
from workers.judge import Scored
from workers.metrics.service import Agreement


def compared(live: Scored, shadow: Scored) -> tuple[Mapping[Agreement, int], NDArray[np.float64]]:
    """Compare what two models said of the same batch; rows that one of them refused are left out.

    Returns:
        How many labels compare how, and float64[n], how far the logits of the n rows that both
        have judged lie apart.
    """
    _, ours, theirs = np.intersect1d(live.rows, shadow.rows, return_indices=True)
    before = live.verdicts.severities()[ours]
    after = shadow.verdicts.severities()[theirs]
    malicious = Label.MALICIOUS.severity
    same = int(np.count_nonzero(before == after))
    newly = int(np.count_nonzero((before < malicious) & (after == malicious)))
    no_longer = int(np.count_nonzero((before == malicious) & (after < malicious)))
    counts = {
        Agreement.SAME: same,
        Agreement.NEWLY_MALICIOUS: newly,
        Agreement.NO_LONGER_MALICIOUS: no_longer,
        Agreement.OTHER: len(ours) - same - newly - no_longer,
    }
    logits = live.verdicts.logits[ours].astype(np.float64)
    return counts, np.abs(shadow.verdicts.logits[theirs].astype(np.float64) - logits)
