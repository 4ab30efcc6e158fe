import signal

import pytest

from leopardnet.cli.stop_signal import explain_stop, stop_on_signal
from leopardnet.core.errors import RunStopped
from leopardnet.core.processes.end_signals import (
    EndRequest,
    describe_end,
    find_end_request,
    handle_end_signals,
    raise_end_request,
)


def test_the_first_signal_asks_and_the_second_ends_at_once():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(EndRequest) as request, stop_on_signal() as should_stop:
        assert not should_stop()
        signal.raise_signal(signal.SIGTERM)
        assert should_stop()
        signal.raise_signal(signal.SIGTERM)
    assert request.value.exit_code == 143 and signal.getsignal(signal.SIGTERM) == before
    assert describe_end(request.value, ["predict", "cards", "--bundle", "b"]) == (
        "predict was ended by SIGTERM; all finished clips are kept; give the same command again to continue"
    )


def test_a_stopped_run_says_what_it_kept_and_how_to_go_on():
    with pytest.raises(EndRequest) as request, stop_on_signal() as should_stop:
        signal.raise_signal(signal.SIGINT)
        assert should_stop()
        raise RunStopped("stopped after 3 of 8 clips", todo="give the same command again to start anew")
    assert request.value.exit_code == 130
    assert describe_end(request.value, ["--language", "en", "sounds", "find", "cards"]) == (
        "sounds was ended by Ctrl-C; stopped after 3 of 8 clips; give the same command again to start anew"
    )


def test_the_inner_explanation_counts():
    with pytest.raises(EndRequest) as request, explain_stop("all"), explain_stop("the inner part", todo="go"):
        raise_end_request(signal.SIGTERM)
    assert (request.value.kept, request.value.todo) == ("the inner part", "go")


def test_a_verb_that_explains_nothing_has_the_general_line():
    assert describe_end(EndRequest(signal.SIGTERM), []) == (
        "leopardnet was ended by SIGTERM; what was finished is kept, and nothing is half-written; "
        "give the same command again to continue"
    )


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminals that hang up")
def test_a_closed_terminal_ends_a_program_but_not_after_nohup():
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
    try:
        with pytest.raises(EndRequest) as request, handle_end_signals():
            signal.raise_signal(signal.SIGHUP)
        assert request.value.exit_code == 129
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with handle_end_signals():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_only_ends_on_request_are_found():
    assert find_end_request(SystemExit(3)) is None
    assert find_end_request(KeyboardInterrupt()).exit_code == 130
    assert find_end_request(EndRequest(signal.SIGTERM)).exit_code == 143
