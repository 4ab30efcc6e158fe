import pickle

from leopardnet.core.errors import LeopardnetError, MediaError


def test_an_error_says_what_where_found_expected_and_what_to_do():
    error = MediaError("cannot read", where="a.avi", found="0 bytes", expected="a video", todo="copy it again")
    assert str(error) == (
        "cannot read\n  where:    a.avi\n  found:    0 bytes\n  expected: a video\n  do:       copy it again"
    )
    assert error.one_line == "cannot read; found: 0 bytes; expected: a video; do: copy it again"


def test_an_error_survives_pickling():
    error = pickle.loads(pickle.dumps(MediaError("cannot read", where="a.avi", todo="copy")))
    assert isinstance(error, MediaError) and isinstance(error, LeopardnetError)
    assert str(error) == "cannot read\n  where:    a.avi\n  do:       copy"
