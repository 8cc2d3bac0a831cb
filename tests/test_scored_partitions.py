"""Scores are written a whole partition at a time, and no job touches a partition of another."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import ConfigError
from tasks.scoring import summary
from tasks.scoring.partitions import Block, Partitions
from tasks.scoring.plan import Days
from tasks.scoring.progress import Progress
from tasks.scoring.summary import Summary, summarise

DAY = datetime(2026, 1, 1)


class Killed(Exception):
    pass


def blocks_of(job: str, rows: int, dies_after: int | None = None) -> Iterator[Block]:
    """Blocks of one row, each of which says which job wrote it; a job may die on its way."""
    for number in range(rows):
        if number == dies_after:
            raise Killed
        block = summarise(np.array([0.5]), None, 0, f"{number}")
        yield pa.table({"number": [number], "job": [job]}), block
    if dies_after is not None and dies_after >= rows:
        raise Killed


JOBS = st.lists(
    st.tuples(
        st.integers(0, 4),  # the first day
        st.integers(1, 3),  # days
        st.integers(0, 3),  # rows a day
        st.none() | st.tuples(st.integers(0, 2), st.integers(0, 3)),  # dies on this day, row
    ),
    max_size=8,
)


@given(jobs=JOBS)
def test_interrupted_repeated_and_overlapping_jobs_replace_whole_partitions_of_their_own_days(
    jobs: list[tuple[int, int, int, tuple[int, int] | None]],
) -> None:
    expected: dict[datetime, tuple[str, int]] = {}
    with TemporaryDirectory() as folder:
        partitions = Partitions(folder, "tiny")
        for number, (first, days, rows, death) in enumerate(jobs):
            with suppress(Killed):
                for place in range(days):
                    day = DAY + timedelta(days=first + place)
                    dies_after = death[1] if death and death[0] == place else None
                    blocks = blocks_of(str(number), rows, dies_after)
                    partitions.write(str(number), day, blocks)
                    expected[day] = (str(number), rows)
            written = {day: told for day, told in expected.items() if told[1]}
            assert contents_of(partitions, folder) == written
            assert partitions.newest_day() == max(written, default=None)


def contents_of(partitions: Partitions, folder: str) -> dict[datetime, tuple[str, int]]:
    """Of each day, the job that wrote its partition and its rows, as a plain reader finds them."""
    contents = {}
    for path in Path(folder).rglob("*"):
        if path.is_dir():
            continue
        table = pq.read_table(path, partitioning=None)
        (job,) = set(table["job"].to_pylist())
        assert table["number"].to_pylist() == list(range(len(table)))
        day = datetime.fromisoformat(path.parent.name.removeprefix("date="))
        assert str(path) == partitions.path(day)
        told = partitions.written_by(job, day)
        assert told
        assert told.rows == len(table)
        assert partitions.written_by("another", day) is None
        contents[day] = (job, len(table))
    return contents


def test_in_object_storage_a_partition_is_replaced_as_a_whole_too(bucket: Path) -> None:
    partitions = Partitions("s3://rows/scores", "tiny")
    assert partitions.newest_day() is None
    partitions.write("1", DAY, blocks_of("1", 3))
    with pytest.raises(Killed):
        partitions.write("2", DAY, blocks_of("2", 3, dies_after=2))
    assert partitions.written_by("2", DAY) is None
    told = partitions.written_by("1", DAY)
    assert told
    assert told.rows == 3
    assert partitions.newest_day() == DAY
    partitions.write("2", DAY, blocks_of("2", 2))
    (file,) = (path for path in (bucket / "scores").rglob("*") if path.is_file())
    assert pq.read_table(file, partitioning=None)["job"].to_pylist() == ["2", "2"]


def test_a_file_of_somebody_else_is_replaced_and_readers_see_no_unfinished_one(
    tmp_path: Path,
) -> None:
    partitions = Partitions(str(tmp_path), "tiny")
    path = Path(partitions.path(DAY))
    path.parent.mkdir(parents=True)
    path.write_text("not Parquet")
    assert partitions.written_by("1", DAY) is None
    # as a process leaves it that is killed
    blocks = blocks_of("1", 2)
    with partitions._new_file("1", DAY) as file:
        file.write_bytes(b"half")
        partitions.write("1", DAY + timedelta(days=1), blocks)
        path.unlink()
        read = pyarrow.dataset.dataset(tmp_path / "tiny", format="parquet").to_table()
    assert len(read) == 2


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    partitions = Partitions(str(tmp_path / "file"), "tiny")
    with pytest.raises(ConfigError, match=r"cannot be written to .*file: .*; choose another"):
        partitions.write("1", DAY, blocks_of("1", 1))


def test_summaries_of_parts_add_up_to_the_summary_of_the_whole() -> None:
    scores = np.random.default_rng(0).random(10_000)
    parts = [summarise(part, None, 1, str(part)) for part in np.split(scores, [100, 3_000])]
    whole = summarise(scores, None, 0, "")
    added = summary.total(parts)
    assert (added.rows, added.left_out) == (10_000, 3)
    np.testing.assert_allclose(added.percentiles, whole.percentiles, atol=0.02)
    assert (added.percentiles[0], added.percentiles[100]) == (scores.min(), scores.max())
    assert summary.total([*parts, Summary()]).percentiles == added.percentiles


def test_days_are_spoken_of_by_the_first_and_the_last() -> None:
    assert str(Days(DAY, DAY)) == "2026-01-01"
    assert str(Days(DAY, DAY + timedelta(days=2))) == "2026-01-01 .. 2026-01-03"


def test_progress_tells_the_rate_and_the_time_left_of_this_attempt() -> None:
    lines: list[str] = []
    told = Progress(lines.append)
    told.skip(0.5)
    # as if this attempt had begun ten seconds ago
    told._began -= 10
    told._last_line -= 10
    told.tell(0.75, 1_000)
    told.tell(0.76, 1)
    assert lines == ["75%, 1,000 rows, 100 rows a second, 10 s left"], "one line in five seconds"
