"""`make bench`: ratchet beside a plain way to do the same, in turn. Trust ratios, not seconds.

python -m tests.bench                   all benchmarks but gating.py
python -m tests.bench chain 1 10 100    the whole chain, on that many times the demo's rows
"""

import sys
import time

from tests.bench.bounds import compare_bounds
from tests.bench.chain import compare_chains
from tests.bench.coverage import report as report_coverage
from tests.bench.parts import compare_parts

began = time.monotonic()
if sys.argv[1:2] == ["chain"]:
    compare_chains([int(scale) for scale in sys.argv[2:]])
else:
    compare_parts()
    compare_chains([1, 10])
    compare_bounds()
    report_coverage()
print(f"{time.monotonic() - began:.0f} s in all", file=sys.stderr)
