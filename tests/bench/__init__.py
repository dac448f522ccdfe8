"""What a million events cost, here and by other means, measured side by side: `make bench`."""

import os

# As `weir work` has it; numpy reads it when it is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
