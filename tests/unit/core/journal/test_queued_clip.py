from leopardnet.core.journal.queued_clip import stamp_clip
from leopardnet.core.types import Clip


def test_a_burst_changes_with_any_of_its_stills(tmp_path):
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / name).write_bytes(b"123")
    both = Clip("x", ("1.jpg", "2.jpg"), "burst")
    before = stamp_clip(both, str(tmp_path))
    assert before.n_bytes == 6 and stamp_clip(both, str(tmp_path)) == before
    assert stamp_clip(Clip("x", ("1.jpg",), "burst"), str(tmp_path)).stamp != before.stamp
    (tmp_path / "2.jpg").write_bytes(b"1234")
    assert stamp_clip(both, str(tmp_path)).stamp != before.stamp
