"""The table of expectations as Great Expectations itself has it.

After an upgrade, `python -m tests.expectation_table` writes configs/expectations.json again.
"""

import json
from typing import Any

from configs.expectations import TABLE

# Fields of every expectation that a YAML does not set, or that a check has under its own keys
OURS = {
    "batch_id",
    "catch_exceptions",
    "condition_parser",
    "description",
    "id",
    "library_metadata",
    "meta",
    "notes",
    "rendered_content",
    "result_format",
    "severity",
    "windows",
}
NEEDS_SQL = (
    "expect_query_results",
    "expect_table_row_count_to_equal_other",
    "unexpected_rows",
    "like_pattern",
)
# Great Expectations takes these for optional: without them it compares nothing and passes
REQUIRED_TOO = {
    "expect_column_kl_divergence_to_be_less_than": ("partition_object", "threshold"),
}


def table() -> dict[str, dict[str, Any]]:
    """The expectations on a pandas frame by name, without `expect_`, each with its arguments."""
    import great_expectations.expectations.core  # noqa: F401 fills the registry
    from great_expectations.expectations import registry

    names = sorted(registry.list_registered_expectation_implementations())
    return {
        name.removeprefix("expect_"): _entry(name, registry.get_expectation_impl(name).__fields__)
        for name in names
        if not any(fragment in name for fragment in NEEDS_SQL)
    }


def _entry(name: str, fields: dict[str, Any]) -> dict[str, list[str]]:
    arguments = sorted(set(fields) - OURS)
    required_too = REQUIRED_TOO.get(name, ())
    required = [
        argument for argument in arguments if fields[argument].required or argument in required_too
    ]
    return {"arguments": arguments, "required": required}


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), indent=1) + "\n")
