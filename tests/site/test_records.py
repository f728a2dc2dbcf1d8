"""Run records: complete. That none is older than its code, `test_studies_record.py` says, once."""
import pytest
from conftest import ROOT

from minillm.studies.record import read_record

RECORDS = sorted(p.stem for p in (ROOT / "book" / "runs").glob("*.json"))


def test_there_are_records():
    assert {"shakespeare", "attention_tiny"} <= set(RECORDS)


@pytest.mark.parametrize("name", RECORDS)
def test_record_is_complete(name):
    record = read_record(name)
    for key in ("command", "commit", "seed", "hardware", "wall_time", "metrics", "modules", "modules_hash"):
        assert record.get(key) not in (None, "", {}, []) or key == "commit", f"{name} has no {key}"
