"""Numbers as people read them on pages.

Not here: numbers within sentences of the verdict (tasks/verdict/wording.py).
"""

from decimal import Decimal

# below this a number of leading zeros is harder to read than an exponent
SMALLEST_PLAIN = 1e-6


def readable(value: float | None) -> str:
    """Four significant digits below 1,000, whole numbers with separators from there on.

    "missing" for None. 265089.1 is 265,089; 0.038234 is 0.03823; 0.00001234 is 0.00001234.
    """
    if value is None:
        return "missing"
    rounded = float(f"{value:.4g}")
    if abs(rounded) >= 1000:
        return f"{value:,.0f}"
    if 0 < abs(rounded) < SMALLEST_PLAIN:
        return f"{value:.3g}"
    # through Decimal, as a float's own format turns to exponents below 0.0001
    return f"{Decimal(f'{value:.4g}'):f}"
