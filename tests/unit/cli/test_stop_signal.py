import signal

import pytest
import typer

from leopardnet.cli.console import EXIT_STOPPED
from leopardnet.cli.stop_signal import stop_on_signal
from leopardnet.core.errors import RunStopped


def test_the_first_signal_asks_and_the_second_ends_at_once(capsys):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(typer.Exit) as error, stop_on_signal() as should_stop:
        assert not should_stop()
        signal.raise_signal(signal.SIGINT)
        assert should_stop()
        signal.raise_signal(signal.SIGINT)
    assert error.value.exit_code == EXIT_STOPPED and signal.getsignal(signal.SIGINT) == before
    assert "all finished clips are kept" in " ".join(capsys.readouterr().err.split())


def test_a_stopped_run_says_how_to_continue(capsys):
    with pytest.raises(typer.Exit) as error, stop_on_signal():
        raise RunStopped("stopped after 3 of 8 clips")
    told = capsys.readouterr().err
    assert error.value.exit_code == EXIT_STOPPED
    assert "stopped after 3 of 8 clips" in told and "give the same command again" in told
