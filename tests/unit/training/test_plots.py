"""Pictures of a run: they show what they were given, stay small, and work for the shortest run."""

import math
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from leopardnet.training import plots as pictures
from leopardnet.training.plots import draw_contact_sheet, save_curves

RED, WHITE = (200, 30, 30), (255, 255, 255)


def row(epoch, **more):
    values = {"train_loss": 1 / (epoch + 1), "val_macro_f1": 0.5 + epoch / 10, "val_nll": 1.0, "lr": 1e-3}
    return {"epoch": epoch, **values, "wait_share": 0.02, "frames_per_s": 40.0, **more}


def opened(path):
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def test_drawing_needs_neither_torch_nor_accelerate():
    program = "import sys, leopardnet.training.plots; print({'torch', 'accelerate', 'timm'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


# --- contact sheets ---


def test_every_frame_stands_in_its_place_with_room_for_its_caption(tmp_path):
    frames = np.zeros((3, 3, 64, 64), np.uint8)
    frames[2] = np.array(RED, np.uint8)[:, None, None]
    sheet = opened(draw_contact_sheet(frames, ["tiger", "empty", "leopard"], tmp_path / "sheet.png", columns=2))
    assert sheet.shape == (4 + 2 * (64 + 18 + 4), 4 + 2 * (64 + 4), 3)
    assert tuple(sheet[4 + 86 + 32, 4 + 32]) == RED, "the third frame begins the second row"
    assert tuple(sheet[4 + 86 + 32, 4 + 68 + 32]) == WHITE, "and nothing stands beside it"
    caption = sheet[4 + 86 + 64 : 4 + 86 + 64 + 18, 4 : 4 + 64]
    assert caption.min() < 100 < 200 < caption.max(), "ink on paper"
    assert not (tmp_path / "sheet.png.part").exists()


def test_a_caption_that_is_too_long_does_not_run_into_the_next(tmp_path):
    frames = np.full((2, 3, 64, 64), 128, np.uint8)
    sheet = opened(
        draw_contact_sheet(frames, ["a very long name of a very rare animal", ""], tmp_path / "sheet.png")
    )
    assert (sheet[4 + 64 :, 4 + 64 : 4 + 64 + 4] == 255).all(), "the gap between them is empty"
    assert (sheet[4 + 64 :, 4 + 64 + 4 :] == 255).all()


@pytest.mark.parametrize("n", [0, 1, 9])
def test_any_number_of_frames_makes_a_sheet(tmp_path, n):
    assert opened(draw_contact_sheet(np.zeros((n, 3, 70, 70), np.uint8), ["x"] * n, tmp_path / "s.png")).size > 0


def test_frames_and_captions_belong_together(tmp_path):
    with pytest.raises(ValueError, match="2 frames and 1 captions"):
        draw_contact_sheet(np.zeros((2, 3, 64, 64), np.uint8), ["x"], tmp_path / "s.png")
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_of_pure_noise_is_not_larger_than_a_web_page(tmp_path, rng):
    noise = rng.integers(0, 256, (32, 3, 192, 192), dtype=np.uint8)
    assert draw_contact_sheet(noise, ["x"] * 32, tmp_path / "s.png").stat().st_size <= 1_500_000


# --- curves ---


@pytest.fixture
def drawn(monkeypatch):
    """What matplotlib is asked to draw: the axes of the last figure."""
    from matplotlib.figure import Figure

    made = []
    savefig = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (made.append(self), savefig(self, *a, **k))[1])
    return lambda: dict(zip(pictures.PANELS, made[-1].axes, strict=True))


def points(line):
    return [(int(x), float(y)) for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]


def notes(axes):
    return [text.get_text() for text in axes.texts]


def test_the_curves_show_the_history_and_the_kept_epoch(tmp_path, drawn):
    history = [row(0, train_loss=math.nan, lr=None), row(1), row(2, val_macro_f1=0.55)]
    picture = opened(save_curves(history, tmp_path / "curves.png"))
    assert picture.shape[1] > 900
    axes = drawn()
    assert points(axes["val_macro_f1"].lines[0]) == [(0, 0.5), (1, 0.6), (2, 0.55)]
    assert points(axes["train_loss"].lines[0]) == [(1, 0.5), (2, pytest.approx(1 / 3))], "no figure, no point"
    assert notes(axes["val_macro_f1"]) == ["kept: 0.600"] and notes(axes["val_nll"]) == ["kept: 1.000"]
    assert notes(axes["lr"]) == []


def test_at_a_tie_the_lower_nll_is_kept_and_the_caller_may_know_better(tmp_path, drawn):
    history = [row(0, val_macro_f1=0.5, val_nll=2.0), row(1, val_macro_f1=0.5, val_nll=1.5)]
    save_curves(history, tmp_path / "curves.png")
    assert notes(drawn()["val_nll"]) == ["kept: 1.500"]
    save_curves(history, tmp_path / "curves.png", kept=0)
    assert notes(drawn()["val_nll"]) == ["kept: 2.000"]


@pytest.mark.parametrize("history", [[], [row(0, train_loss=math.nan, lr=None)], [{"epoch": 0}]])
def test_the_shortest_histories_are_drawn_and_say_what_was_not_measured(tmp_path, drawn, history):
    assert opened(save_curves(history, tmp_path / "curves.png")).size > 0
    assert "nothing was measured" in notes(drawn()["train_loss"])


def test_the_notebook_draws_the_same_curve(drawn, tmp_path):
    from leopardnet.figures import epoch_curve

    history = [row(0), row(1), row(2, val_macro_f1=0.55)]
    save_curves(history, tmp_path / "curves.png")
    there, here = drawn()["val_macro_f1"], epoch_curve(history).axes[0]
    assert [points(line) for line in here.lines] == [points(line) for line in there.lines]
    assert notes(here) == notes(there) == ["kept: 0.600"]


def test_folds_are_thin_lines_beside_their_mean(tmp_path, drawn):
    history = [row(e, fold=f, val_macro_f1=0.2 * f + 0.1 * e) for f in (0, 1) for e in (0, 1)]
    save_curves(history, tmp_path / "curves.png")
    first, second, mean = drawn()["val_macro_f1"].lines[:3]
    assert points(first) == [(0, 0.0), (1, 0.1)] and points(second)[1] == (1, pytest.approx(0.3))
    assert points(mean) == [(0, pytest.approx(0.1)), (1, pytest.approx(0.2))]
    assert mean.get_linewidth() > first.get_linewidth()


def test_rows_of_all_folds_together_replace_their_mean(tmp_path, drawn):
    history = [row(0, fold=0), row(0, fold=1), row(0, val_macro_f1=0.9)]
    save_curves(history, tmp_path / "curves.png")
    assert notes(drawn()["val_macro_f1"]) == ["kept: 0.900"]


def test_a_curve_says_nothing_of_the_machine(tmp_path):
    with Image.open(save_curves([row(0)], tmp_path / "curves.png")) as image:
        assert set(image.info) <= {"dpi"}
