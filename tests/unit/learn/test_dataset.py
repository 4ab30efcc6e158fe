import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from leopardnet.core.config import AugmentConfig, LabelsConfig, PreprocessSpec, UniformSampling
from leopardnet.core.types import ManifestError
from leopardnet.learn.augment import Augment
from leopardnet.learn.dataset import batches, epoch_order, load_frames, wanted_frames

LABELS = LabelsConfig(labels=({"name": "tiger"}, {"name": "empty"})).label_set()
STANDARD = AugmentConfig(name="standard")
NONE = AugmentConfig(
    name="none", flip_p=0, crop_min_area=1, exposure_p=0, infrared_p=0, blur_p=0, noise_p=0, jpeg_p=0
)


def load(manifest, tmp_path, max_frames_per_clip=8):
    wanted = wanted_frames(manifest, LABELS, max_frames_per_clip=max_frames_per_clip)
    return load_frames(
        wanted, manifest.root, labels=LABELS, spec=PreprocessSpec(size_px=32, crop_bottom=0.0),
        sampling=UniformSampling(n_frames=4), max_frames_per_clip=max_frames_per_clip, cache=tmp_path / "cache.bin",
    )  # fmt: skip


def grey_levels(frames):
    return np.rint(frames.pixels.reshape(len(frames), -1).mean(axis=1) / 8).astype(int).tolist()


def test_labelled_frames_of_a_video_replace_its_own_label(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    m = manifest_of(
        path=["a.mp4"] * 3,
        kind=["video", "frame", "frame"],
        time_s=[None, 0.5, 2.0],
        label=["tiger", "empty", "tiger"],
    )
    frames = load(m, tmp_path)
    assert (
        grey_levels(frames) == [5, 20]
        and frames.table["label"].tolist() == ["empty", "tiger"]
        and frames.y.tolist() == [1, 0]
    )


def test_frame_numbers_count_in_decode_order(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    frames = load(
        manifest_of(path=["a.mp4"] * 2, kind="frame", frame_number=[3, 17], label=["tiger", "empty"]), tmp_path
    )
    assert grey_levels(frames) == [3, 17] and frames.table["label"].tolist() == ["tiger", "empty"]


def test_labels_stay_with_their_frames_in_any_order_and_by_any_name(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    m = manifest_of(
        path=["a.mp4"] * 4, kind="frame", frame_number=[17, 3, None, 40], time_s=[None, None, 0.9, None],
        label=["tiger", "empty", "tiger", "empty"],
    )  # fmt: skip
    frames = load(m, tmp_path)
    assert grey_levels(frames) == [3, 9, 17] and frames.table["label"].tolist() == ["empty", "tiger", "tiger"]
    assert len(frames.skipped) == 1 and "no frame within" in frames.skipped["reason"][0]


def test_a_moment_that_does_not_exist_is_skipped_and_never_replaced(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    frames = load(
        manifest_of(path=["a.mp4"] * 2, kind="frame", time_s=[1.0, 100.0], label=["empty", "tiger"]), tmp_path
    )
    assert grey_levels(frames) == [10] and frames.table["label"].tolist() == ["empty"] and len(frames.skipped) == 1


def test_a_frame_without_a_time_or_a_number_is_refused(manifest_of):
    with pytest.raises(ManifestError, match="neither when nor which"):
        wanted_frames(manifest_of(path=["a.mp4"], kind="frame", label="tiger"), LABELS, max_frames_per_clip=8)


def test_a_whole_video_gives_sampled_frames_with_its_label(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    frames = load(manifest_of(path=["a.mp4"], kind="video", label="tiger"), tmp_path)
    assert grey_levels(frames) == [3, 9, 15, 21] and set(frames.table["label"]) == {"tiger"}


def test_many_labelled_frames_are_thinned_evenly(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    times = [i / 10 for i in range(21)]
    frames = load(
        manifest_of(path=["a.mp4"] * 21, kind="frame", time_s=times, label="tiger"), tmp_path, max_frames_per_clip=3
    )
    assert grey_levels(frames) == [0, 10, 20]


def test_what_cannot_be_read_is_listed_and_nothing_takes_its_place(manifest_of, tmp_path):
    for name, grey in (("a.png", 80), ("c.png", 160)):
        Image.new("RGB", (40, 40), (grey,) * 3).save(tmp_path / name)
    (tmp_path / "b.png").write_bytes(b"broken")
    frames = load(
        manifest_of(path=["a.png", "b.png", "c.png"], kind="still", label=["tiger", "tiger", "empty"]), tmp_path
    )
    assert grey_levels(frames) == [10, 20] and frames.table["path"].tolist() == ["a.png", "c.png"]
    assert frames.skipped["path"].tolist() == ["b.png"] and "not a picture" in frames.skipped["reason"][0]


def test_rows_without_a_label_are_not_used_and_unknown_labels_are_counted(manifest_of):
    m = manifest_of(path=["a.jpg", "b.jpg", "c.jpg"], kind="still", label=["tiger", None, "puma"])
    with pytest.raises(ManifestError, match=r"puma \(1 rows\)"):
        wanted_frames(m, LABELS, max_frames_per_clip=8)
    fine = m.replace(m.table.replace({"label": {"puma": "empty"}}))
    assert [c.path for c, _ in wanted_frames(fine, LABELS, max_frames_per_clip=8)] == [
        "a.jpg",
        "c.jpg",
    ]


def test_a_long_sequence_gives_a_few_stills_spread_over_it(manifest_of):
    m = manifest_of(
        path=[f"{i:02}.jpg" for i in range(13)], kind="still", label="tiger",
        sequence_id=["a"] * 9 + ["b"] * 2 + [None] * 2,
    )  # fmt: skip
    chosen = wanted_frames(m, LABELS, max_frames_per_clip=8, max_stills_per_sequence=3)
    assert [c.path[:2] for c, _ in chosen] == ["00", "03", "06", "09", "10", "11", "12"]


@pytest.fixture
def noise(rng):
    from leopardnet.learn.dataset import LabelledFrames

    table = pd.DataFrame(
        {"i_label": np.arange(10) % 2, "label": "x", "clip_id": "x", "path": "x", "site": "x", "time_s": 0.0}
    )
    return LabelledFrames(rng.integers(0, 256, (10, 3, 36, 36), dtype=np.uint8), table, pd.DataFrame())


def epoch_of(frames, n_workers, epoch=0, seed=7, config=STANDARD):
    augment = Augment(config, size_px=32, seed=seed)
    return list(batches(frames, augment, seed=seed, epoch=epoch, batch_size=4, n_workers=n_workers))


def test_the_number_of_workers_changes_no_batch(noise):
    one, three = epoch_of(noise, 1), epoch_of(noise, 3)
    assert [len(x) for x, _ in one] == [4, 4, 2]
    assert all(torch.equal(a, b) and torch.equal(ya, yb) for (a, ya), (b, yb) in zip(one, three, strict=True))


def test_epochs_and_seeds_differ_and_repeat(noise):
    first = torch.cat([x for x, _ in epoch_of(noise, 2)])
    assert torch.equal(first, torch.cat([x for x, _ in epoch_of(noise, 2)]))
    assert not torch.equal(first, torch.cat([x for x, _ in epoch_of(noise, 2, epoch=1)]))
    assert not torch.equal(first, torch.cat([x for x, _ in epoch_of(noise, 2, seed=8)]))


def test_equal_frames_get_different_changes(noise):
    same = np.repeat(noise.pixels[:1], 10, axis=0)
    from leopardnet.learn.dataset import LabelledFrames

    x = torch.cat([x for x, _ in epoch_of(LabelledFrames(same, noise.table, noise.skipped), 2)])
    assert len({row.numpy().tobytes() for row in x}) == 10


def test_each_item_comes_once_with_its_own_label(noise):
    pairs = [
        (int(x[i].float().mean() * 1000), int(y[i]))
        for x, y in epoch_of(noise, 2, config=NONE)
        for i in range(len(y))
    ]
    assert len({p for p, _ in pairs}) == 10 and sorted(y for _, y in pairs) == [0] * 5 + [1] * 5


def test_no_augmentation_means_the_frame_as_it_is(rng):
    frame = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.array_equal(Augment(NONE, size_px=32, seed=1)(frame, epoch=0, index=0), frame)


def test_the_order_of_an_epoch_is_a_permutation():
    assert (
        sorted(epoch_order(100, 7, 3)) == list(range(100))
        and (epoch_order(100, 7, 3) != epoch_order(100, 7, 4)).any()
    )
