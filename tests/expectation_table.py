"""The table of expectations as Great Expectations itself has it: `python -m tests.expectation_table` writes it anew after an upgrade."""

import json
from typing import Any

from configs.expectations import TABLE

OURS = {
    "id",
    "meta",
    "notes",
    "result_format",
    "description",
    "catch_exceptions",
    "rendered_content",
    "windows",
    "batch_id",
    "severity",
}
OURS |= {"condition_parser", "library_metadata"}
NEEDS_SQL = (
    "expect_query_results",
    "expect_table_row_count_to_equal_other",
    "unexpected_rows",
    "like_pattern",
)
PASSES_WITHOUT = {
    "expect_column_kl_divergence_to_be_less_than": ("partition_object", "threshold")
}  # and compares nothing


def table() -> dict[str, dict[str, Any]]:
    """Of each expectation on a pandas frame, by its name without `expect_`: its arguments, and those it must have."""
    import great_expectations.expectations.core  # noqa: F401 fills the registry
    from great_expectations.expectations import registry

    found = {}
    for name in sorted(registry.list_registered_expectation_implementations()):
        if any(part in name for part in NEEDS_SQL):
            continue
        fields = registry.get_expectation_impl(name).__fields__
        arguments = sorted(set(fields) - OURS)
        required = [
            argument
            for argument in arguments
            if fields[argument].required or argument in PASSES_WITHOUT.get(name, ())
        ]
        found[name.removeprefix("expect_")] = {"arguments": arguments, "required": required}
    return found


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), indent=1) + "\n")
