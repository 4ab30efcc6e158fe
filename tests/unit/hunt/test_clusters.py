import numpy as np
import pytest

from leopardnet.core.tables import clip_id
from leopardnet.hunt import clusters
from leopardnet.hunt.clusters import Centre, cluster_centres, find_clusters


@pytest.fixture
def three_heaps(write_store, rng):
    """Nine clips in one direction, five in another and two in a third; the first of each lies in the middle."""
    clips = {}
    for i_heap, n in enumerate((9, 5, 2)):
        for i in range(n):
            vector = rng.normal(0, 0.2 if i else 0.0, 6)
            vector[i_heap] += 5.0
            clips[f"heap{i_heap}/{i}.jpg"] = ([vector], {})
    return write_store(clips).read()


def test_each_heap_is_one_cluster_the_largest_first(three_heaps):
    assert [c.n_clips for c in cluster_centres(three_heaps, n=3)] == [9, 5, 2]
    assert cluster_centres(three_heaps, n=3)[0].clip_id == clip_id("heap0/0.jpg"), "the one in the middle"
    assert cluster_centres(three_heaps, n=3) == cluster_centres(three_heaps, n=3)


def test_clusters_of_a_part_of_the_clips_count_all_of_them(three_heaps, monkeypatch):
    monkeypatch.setattr(clusters, "MOST_FITTED", 12)
    assert sum(c.n_clips for c in cluster_centres(three_heaps, n=3)) == 16


def test_few_clips_are_all_centres_and_none_are_none(three_heaps, write_store):
    assert cluster_centres(three_heaps, n=16) == [Centre(c, 1) for c in three_heaps.clip_ids]
    assert cluster_centres(write_store({}).read()) == []


def test_the_clips_of_a_cluster_stand_together(three_heaps):
    heaps = find_clusters(three_heaps, n=3)
    assert [set(clips) for clips in heaps] == [
        {clip_id(f"heap{i}/{k}.jpg") for k in range(n)} for i, n in enumerate((9, 5, 2))
    ]
    assert heaps[0][0] == clip_id("heap0/0.jpg")


def test_a_clip_of_several_frames_has_the_direction_of_their_mean(write_store):
    features = write_store({"a.mp4": ([[3.0, 0.0], [1.0, 4.0]], {})}).read()
    assert np.allclose(features.mean_directions()[0, :3], [np.sqrt(0.5), np.sqrt(0.5), 0])
