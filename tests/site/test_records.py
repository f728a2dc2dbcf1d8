"""Run records: complete, and not older than the modules they used."""
import pytest
from conftest import ROOT

from minillm.studies.record import is_stale, read_record

RECORDS = sorted(p.stem for p in (ROOT / "book" / "runs").glob("*.json"))


def test_there_are_records():
    assert {"shakespeare", "attention_tiny"} <= set(RECORDS)


@pytest.mark.parametrize("name", RECORDS)
def test_record_is_complete_and_fresh(name):
    record = read_record(name)
    for key in ("command", "commit", "seed", "hardware", "wall_time", "metrics", "modules", "modules_hash"):
        assert record.get(key) not in (None, "", {}, []) or key == "commit", f"{name} has no {key}"
    assert not is_stale(name), f"book/runs/{name}.json is older than its modules; run again: {record['command']}"
