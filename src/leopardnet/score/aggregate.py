"""From frames to the clip: seven methods to aggregate the frame logits of a clip, and the frames behind a decision.

Presence and species are different questions. An animal in 2 of 16 frames is present, whatever the other 14 frames
show, and only the frames that show it can identify it. The default `presence_ranked` answers the two questions
separately. All arithmetic is float64 on log-probabilities, so nothing underflows and nothing is divided by zero.

`presence_ranked` is a mean of probabilities, because a mean of log-odds sinks without bound as the empty frames of
a short visit are surer to be empty; and its weights fall fast from frame to frame, because a frame that shows
nothing is no evidence against an animal in another one. `scripts/measure_presence.py` compares it with other rules.

Independent labels (`multi`) need no such division: each has log-odds of its own, which are aggregated alone, and
those of the empty label as minus those of any animal.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import BackendError
from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.score.log_sums import log_expit, log_softmax, logsumexp
from leopardnet.score.ties import order_by_values, order_descending

Floats = NDArray[np.float64]
RANK_DECAY = 1 / 3  # of the weight of a frame from the one before, in `presence_ranked`
LEAST_LOG = -700.0  # a probability of 1e-304, so that the logarithm of 0 stays finite


def aggregate(
    logits: NDArray[np.float32],
    config: AggregateConfig,
    *,
    i_empty: int | None,
    weights: NDArray[np.floating[Any]] | None = None,
    multi: bool = False,
) -> NDArray[np.float32]:
    """Return the clip's log-probabilities, float32 [..., C], from the frame logits, float32 [..., N, C].

    They are the clip logits: their softmax is the uncalibrated prediction. With every method, one frame gives its
    own log-softmax, N equal frames give the result of one (except for `noisy_or`), and the order of frames has no
    effect, even where frames are tied.

    - `mean_logit`: mean of the logits.
    - `mean_prob`: mean of the probabilities.
    - `max`: the maximum of each animal, and the minimum of empty (a clip is as empty as its least empty frame).
    - `noisy_or`: each animal as if frames were independent, 1 − ∏(1 − p); empty if every frame is. Frames of a clip
      are not independent, so small probabilities in many frames add up to an animal that is not there.
    - `topk_logit`: mean of the logits of the k frames with the largest animal-against-empty log-odds,
      k = ceil(top_share · N).
    - `presence_topk`: presence is the mean of the k largest of these log-odds; species is the mean over frames,
      weighted by their probability of an animal.
    - `presence_ranked`: presence is the mean probability of an animal, the likeliest frame first, where each frame
      counts a third of the one before it; species is the same. One sure frame among many empty ones gives 2/3, two
      give 8/9, three 26/27.

    i_empty: the class that means "no animal". Without one, the two methods of presence have only the species part,
    with equal weights, `topk_logit` is the mean, and `max` and `noisy_or` treat every class as an animal.

    weights: float [N], not negative, of the frames in the means, from motion or boxes. They affect neither the
    choice and order of the frames (except for exact ties) nor `max` and `noisy_or`. If all are 0, they have no
    effect.

    multi: the labels are independent. Logits and result are log-odds, and each method looks at one label alone: the
    methods of presence take the likeliest frames of each label, so two animals in different frames are both found.
    `topk_logit` takes for all labels the same k frames, those in which any animal is likeliest.

    Raises ValueError for another shape, BackendError for logits that are not finite.

    >>> frames = np.log(np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9]], np.float32))  # (animal, empty)
    >>> np.exp(aggregate(frames, AggregateConfig(name="presence_ranked"), i_empty=1)).round(3)  # 27 : 9 : 3 : 1
    array([0.64, 0.36], dtype=float32)
    >>> np.exp(aggregate(frames, AggregateConfig(name="presence_topk"), i_empty=1)).round(3)
    array([0.9, 0.1], dtype=float32)
    >>> np.exp(aggregate(frames, AggregateConfig(name="mean_prob"), i_empty=1)).round(3)
    array([0.3, 0.7], dtype=float32)
    """
    if multi:
        return _aggregate_log_odds(_check_logits(logits, i_empty), config, weights, i_empty)
    log_p = _frame_log_probs(logits, i_empty)  # [N, C]
    share = _shares(weights, log_p.shape[-2])  # [N], sums to 1
    match config.name:
        case "mean_logit":
            clip = share @ log_p
        case "mean_prob":
            clip = logsumexp(log_p, axis=-2, b=share[:, None])
        case "max":
            clip = log_p.max(axis=-2)
            if i_empty is not None:
                clip[..., i_empty] = log_p[..., i_empty].min(axis=-1)
        case "noisy_or":
            clip = _noisy_or(log_p, i_empty)
        case "topk_logit":
            top = _most_animal(log_p, share, config.top_share, i_empty)
            clip = _mean_of(log_p, share, top)
        case "presence_topk" | "presence_ranked":
            clip = _presence_and_species(log_p, share, config, i_empty)
    return np.asarray(log_softmax(clip, axis=-1), np.float32)  # [..., C]


def merge_crops(
    frames: NDArray[np.float32],
    crops: NDArray[np.float32],
    config: AggregateConfig,
    *,
    i_empty: int | None,
    multi: bool = False,
) -> NDArray[np.float32]:
    """Return log-probabilities float32 [N, C] of frames, combined from the whole frames and their crops.

    frames, crops: logits float32 [N, C]; a row of `crops` is nan if the frame has no crop, and the frame stays as
    it is. Presence is taken from the view with the higher probability of an animal: a small animal is lost in the
    whole frame, and a crop of a bush must not hide an animal beside it. Species is the mean of the
    log-probabilities of both views, with the weight `crop_weight` for the crop.

    multi: logits and result are log-odds of independent labels, for which the view counts that shows more of an
    animal: a crop holds one animal, so it says nothing against a second one beside it.

    >>> frames = np.log(np.array([[0.3, 0.1, 0.6], [0.5, 0.3, 0.2]], np.float32))  # (leopard, deer, empty)
    >>> crops = np.log(np.array([[0.8, 0.1, 0.1], [0.05, 0.05, 0.9]], np.float32))
    >>> np.exp(merge_crops(frames, crops, AggregateConfig(crop_weight=0.5), i_empty=2)).round(2)
    array([[0.75, 0.15, 0.1 ],
           [0.45, 0.35, 0.2 ]], dtype=float32)
    """
    has_crop = np.isfinite(crops).all(axis=1)
    if not has_crop.any():
        return frames
    if multi:
        sign = _signs(frames.shape[1], i_empty)
        more = np.where(np.isfinite(crops), np.maximum(frames * sign, np.nan_to_num(crops) * sign) * sign, frames)
        return np.asarray(more, np.float32)
    whole, inside = _frame_log_probs(frames[has_crop], i_empty), _frame_log_probs(crops[has_crop], i_empty)
    mean = log_softmax((1 - config.crop_weight) * whole + config.crop_weight * inside, axis=1)  # [M, C]
    if i_empty is not None:
        empty = np.minimum(whole[:, i_empty], inside[:, i_empty])
        species = log_softmax(np.delete(mean, i_empty, axis=1), axis=1)  # [M, C-1]
        mean = np.insert(species + log1mexp(empty)[:, None], i_empty, empty, axis=1)
    joined = np.array(log_softmax(frames.astype(np.float64), axis=1), np.float32)
    joined[has_crop] = mean
    return joined


def evidence_order(
    logits: NDArray[np.float32], label_index: int | None, *, i_empty: int | None, multi: bool = False
) -> NDArray[np.int64]:
    """Return the positions of the frames, int64 [N], by their support for a class, strongest first.

    The support is the log-odds of the class against all others, which still differ where probabilities round to 1.
    label_index: the class; None for a decision that is no class ('animal', 'unsure'), whose support is the log-odds
    of any animal, or without an empty class the highest log-probability. Equal frames stay in time order. multi:
    logits are log-odds of independent labels, which are the support as they are.

    >>> evidence_order(np.array([[0, 3], [4, 0], [2, 0]], np.float32), 0, i_empty=1).tolist()
    [1, 2, 0]
    """
    if multi:
        z = _check_logits(logits, i_empty)
        return order_descending(
            _any_animal(z * _signs(z.shape[1], i_empty), i_empty) if label_index is None else z[:, label_index]
        )
    log_p = _frame_log_probs(logits, i_empty)
    if label_index is not None:
        support = log_p[:, label_index] - logsumexp(np.delete(log_p, label_index, axis=1), axis=1)
    elif i_empty is not None:
        support = _animal_log_odds(log_p, i_empty)
    else:
        support = log_p.max(axis=1)
    return order_descending(support)


def log1mexp(x: Floats) -> Floats:
    """Return log(1 - exp(x)) for x below 0, accurate for small and large x.

    >>> log1mexp(np.log(np.array([0.25]))).round(4).tolist()
    [-0.2877]
    """
    x = np.minimum(x, -1e-12)
    return np.where(x > -math.log(2), np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def _frame_log_probs(logits: NDArray[np.float32], i_empty: int | None) -> Floats:
    """Return the log-softmax of each frame in float64, after checking shape and values."""
    return np.asarray(log_softmax(_check_logits(logits, i_empty), axis=-1), np.float64)


def _check_logits(logits: NDArray[np.float32], i_empty: int | None) -> Floats:
    """Return the logits in float64, after checking shape and values."""
    if logits.ndim < 2 or logits.shape[-2] < 1 or logits.shape[-1] < 2:
        raise ValueError(f"expected frame logits [N >= 1, C >= 2]; got {list(logits.shape)}")
    if i_empty is not None and not 0 <= i_empty < logits.shape[-1]:
        raise ValueError(f"i_empty {i_empty} does not fit {logits.shape[-1]} classes")
    if not np.isfinite(logits).all():
        is_bad = ~np.isfinite(logits).all(axis=-1)
        raise BackendError(
            "the model returned values that are not finite",
            found=f"{is_bad.sum()} of {is_bad.size} frames with nan or inf",
            todo="run with precision f32; if the error remains, the weights are damaged",
        )
    return logits.astype(np.float64)


def _aggregate_log_odds(
    z: Floats, config: AggregateConfig, weights: NDArray[np.floating[Any]] | None, i_empty: int | None
) -> NDArray[np.float32]:
    """Return the clip's log-odds [..., C] from those of its frames, float64 [..., N, C], of independent labels."""
    sign, share = _signs(z.shape[-1], i_empty), _shares(weights, z.shape[-2])
    z = z * sign  # now every column says that something is there
    match config.name:
        case "mean_logit":
            clip = share @ z
        case "mean_prob":
            present, absent = (logsumexp(log_expit(s * z), axis=-2, b=share[:, None]) for s in (1, -1))
            clip = present - absent
        case "max":
            clip = z.max(axis=-2)
        case "noisy_or":
            absent = log_expit(-z).sum(axis=-2)
            clip = log1mexp(absent) - absent
        case "topk_logit":
            order = _order_frames(_any_animal(z, i_empty), z, share)
            clip = _mean_of(z, share, order[..., : _n_top(config.top_share, z.shape[-2])])
        case "presence_topk" | "presence_ranked":
            clip = _presence(np.swapaxes(z, -1, -2), share, config)
    return np.asarray(clip * sign, np.float32)


def _signs(n_labels: int, i_empty: int | None) -> Floats:
    """Return 1 for each label and -1 for the empty one, float64 [C]."""
    return np.where(np.arange(n_labels) == i_empty, -1.0, 1.0)


def _any_animal(z: Floats, i_empty: int | None) -> Floats:
    """Return the log-odds of any animal in each frame, float64 [..., N], from signed log-odds [..., N, C]."""
    return z.max(axis=-1) if i_empty is None else z[..., i_empty]


def _animal_log_odds(log_p: Floats, i_empty: int) -> Floats:
    """Return the log-odds of any animal against empty of each frame, float64 [..., N]."""
    animals = np.delete(log_p, i_empty, axis=-1)
    return np.asarray(logsumexp(animals, axis=-1) - log_p[..., i_empty], np.float64)


def _shares(weights: NDArray[np.floating[Any]] | None, n_frames: int) -> Floats:
    """Return the weights normalised to a sum of 1, float64 [N]; equal ones if there are none."""
    if weights is None:
        return np.full(n_frames, 1 / n_frames)
    given = np.asarray(weights, np.float64)
    if given.shape != (n_frames,) or not (np.isfinite(given).all() and (given >= 0).all()):
        raise ValueError(f"expected {n_frames} weights of 0 or more; got {list(given.shape)}: {given}")
    return given / given.sum() if given.sum() > 0 else np.full(n_frames, 1 / n_frames)


def _n_top(top_share: float, n_frames: int) -> int:
    # The tolerance keeps 0.07 · 100 = 7.000000000000001 from becoming 8.
    return max(1, math.ceil(top_share * n_frames - 1e-9))


def _order_frames(support: Floats, values: Floats, share: Floats) -> NDArray[np.int64]:
    """Return the positions of the frames, int64 [..., N], by support [..., N], then by their values [..., N, C]."""
    return order_by_values(support, *np.moveaxis(values, -1, 0), np.broadcast_to(share, support.shape))


def _mean_of(values: Floats, share: Floats, top: NDArray[np.int64]) -> Floats:
    """Return the mean [..., C] of some frames of values [..., N, C], by their shares [N]. top: int64 [..., k]."""
    sums = share[top].sum(axis=-1, keepdims=True)
    weights = np.where(sums > 0, share[top] / np.where(sums > 0, sums, 1), 1 / top.shape[-1])
    chosen = np.take_along_axis(values, top[..., None], -2)  # [..., k, C]
    return np.asarray((weights[..., None, :] @ chosen)[..., 0, :], np.float64)


def _most_animal(log_p: Floats, share: Floats, top_share: float, i_empty: int | None) -> NDArray[np.int64]:
    """Return the positions of the k frames with the largest log-odds of an animal; of all frames without empty."""
    if i_empty is None:
        return np.broadcast_to(np.arange(log_p.shape[-2]), log_p.shape[:-1])
    order = _order_frames(_animal_log_odds(log_p, i_empty), log_p, share)
    return order[..., : _n_top(top_share, log_p.shape[-2])]


def _presence(odds: Floats, share: Floats, config: AggregateConfig) -> Floats:
    """Return the clip's log-odds that something is there, [...], from those of its frames, float64 [..., N]."""
    order = order_by_values(odds, np.broadcast_to(share, odds.shape))
    if config.name == "presence_topk":
        return _mean_of(odds[..., None], share, order[..., : _n_top(config.top_share, odds.shape[-1])])[..., 0]
    with np.errstate(divide="ignore"):  # see `_presence_and_species`
        log_weights = np.log(share[order]) + math.log(RANK_DECAY) * np.arange(odds.shape[-1])
    ordered = np.take_along_axis(odds, order, -1)
    present, absent = (logsumexp(log_expit(sign * ordered) + log_weights, axis=-1) for sign in (1, -1))
    return np.asarray(present - absent, np.float64)


def _noisy_or(log_p: Floats, i_empty: int | None) -> Floats:
    """Return the logs of 1 − ∏(1 − p) for each animal and of ∏ p for empty, not normalised."""
    with np.errstate(divide="ignore"):
        log_absent = np.log1p(-np.minimum(np.exp(log_p), 1.0)).sum(axis=-2)  # [..., C]
        clip = np.log(-np.expm1(log_absent))
    if i_empty is not None:
        clip[..., i_empty] = log_p[..., i_empty].sum(axis=-1)
    return np.asarray(np.maximum(clip, LEAST_LOG), np.float64)


def _presence_and_species(log_p: Floats, share: Floats, config: AggregateConfig, i_empty: int | None) -> Floats:
    """Return the joint log-probabilities [..., C] of presence and species, from frames [..., N, C]."""
    if i_empty is None:
        return np.asarray(share @ log_p, np.float64)
    odds = _animal_log_odds(log_p, i_empty)  # [..., N]
    presence = _presence(odds, share, config)[..., None]
    with np.errstate(divide="ignore"):  # the log of a weight of 0 is -inf, which adds nothing to the sum
        log_weights = log_expit(odds) + np.log(share)  # logs, since the weights of very empty frames underflow
    weights = np.exp(log_weights - logsumexp(log_weights, axis=-1, keepdims=True))  # [..., N], sums to 1
    species = weights[..., None, :] @ log_softmax(np.delete(log_p, i_empty, axis=-1), axis=-1)  # [..., 1, C-1]
    joint = log_expit(presence) + log_softmax(species[..., 0, :], axis=-1)
    empty = log_expit(-presence)
    return np.concatenate([joint[..., :i_empty], empty, joint[..., i_empty:]], axis=-1)
