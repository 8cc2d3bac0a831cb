"""`make bench`: ratchet beside a plain way to do the same, in turn. Trust ratios, not seconds.

python -m tests.bench                   all benchmarks but gating.py
python -m tests.bench chain 1 10 100    the whole chain, on that many times the demo's rows
python -m tests.bench scoring           five million rows scored, and the same killed ten times
"""

import sys
import time

from tests.bench.bounds import compare_bounds
from tests.bench.chain import compare_chains
from tests.bench.coverage import report as report_coverage
from tests.bench.parts import compare_parts
from tests.bench.scoring import measure_scoring

began = time.monotonic()
if sys.argv[1:2] == ["chain"]:
    compare_chains([int(scale) for scale in sys.argv[2:]])
elif sys.argv[1:2] == ["scoring"]:
    measure_scoring()
else:
    compare_parts()
    compare_chains([1, 10])
    measure_scoring()
    compare_bounds()
    report_coverage()
print(f"{time.monotonic() - began:.0f} s in all", file=sys.stderr)
