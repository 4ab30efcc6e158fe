"""The network of the embedded detector: YOLOX-tiny (Ge et al. 2021, arXiv:2107.08430), for inference only.

`install_detector.py` builds it once, to export it to ONNX. Modules have the names of the tensors in the published
checkpoint, all of which must fit. The packages that define this network depend on another OpenCV, which does not
load without a display library and would replace the one of leopardnet.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

WIDTH = 24  # channels of the first layer; deeper ones are multiples of it
HEAD = 4 * WIDTH
STRIDES = (8, 16, 32)


class Conv(nn.Module):
    """Convolution, batch norm, SiLU; padded so that stride 1 keeps the size."""

    def __init__(self, n_in: int, n_out: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, size, stride, padding=size // 2, bias=False)
        self.bn = nn.BatchNorm2d(n_out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """[N, n_in, h, w] → [N, n_out, h / stride, w / stride]."""
        return nn.functional.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """Two convolutions, with the input added to their output if `adds`."""

    def __init__(self, n: int, *, adds: bool) -> None:
        super().__init__()
        self.conv1, self.conv2, self.adds = Conv(n, n, 1), Conv(n, n, 3), adds

    def forward(self, x: Tensor) -> Tensor:
        """[N, n, h, w] → the same."""
        y: Tensor = self.conv2(self.conv1(x))
        return x + y if self.adds else y


class Csp(nn.Module):
    """Half of the channels go through bottlenecks, half bypass them, and both are concatenated."""

    def __init__(self, n_in: int, n_out: int, n_blocks: int, *, adds: bool) -> None:
        super().__init__()
        half = n_out // 2
        self.conv1, self.conv2, self.conv3 = Conv(n_in, half, 1), Conv(n_in, half, 1), Conv(2 * half, n_out, 1)
        self.m = nn.Sequential(*(Bottleneck(half, adds=adds) for _ in range(n_blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """[N, n_in, h, w] → [N, n_out, h, w]."""
        out: Tensor = self.conv3(torch.cat([self.m(self.conv1(x)), self.conv2(x)], 1))
        return out


class Focus(nn.Module):
    """Each square of 2 x 2 px becomes one position with four times the channels."""

    def __init__(self, n_out: int) -> None:
        super().__init__()
        self.conv = Conv(12, n_out, 3)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, h, w] → [N, n_out, h / 2, w / 2]."""
        corners = [x[..., dy::2, dx::2] for dx in (0, 1) for dy in (0, 1)]
        out: Tensor = self.conv(torch.cat(corners, 1))
        return out


class Pyramid(nn.Module):
    """Max pooling over 1, 5, 9 and 13 positions, concatenated (spatial pyramid pooling)."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = Conv(n, n // 2, 1), Conv(2 * n, n, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, n, h, w] → the same."""
        x = self.conv1(x)
        pooled = [nn.functional.max_pool2d(x, size, 1, size // 2) for size in (5, 9, 13)]
        out: Tensor = self.conv2(torch.cat([x, *pooled], 1))
        return out


class Darknet(nn.Module):
    """The backbone: features at 1/8, 1/16 and 1/32 of the size."""

    def __init__(self) -> None:
        super().__init__()
        w = WIDTH
        self.stem = Focus(w)
        self.dark2 = nn.Sequential(Conv(w, 2 * w, 3, 2), Csp(2 * w, 2 * w, 1, adds=True))
        self.dark3 = nn.Sequential(Conv(2 * w, 4 * w, 3, 2), Csp(4 * w, 4 * w, 3, adds=True))
        self.dark4 = nn.Sequential(Conv(4 * w, 8 * w, 3, 2), Csp(8 * w, 8 * w, 3, adds=True))
        self.dark5 = nn.Sequential(Conv(8 * w, 16 * w, 3, 2), Pyramid(16 * w), Csp(16 * w, 16 * w, 1, adds=False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[N, 3, h, w] → [N, 96, h/8, w/8], [N, 192, h/16, w/16], [N, 384, h/32, w/32]."""
        eighth = self.dark3(self.dark2(self.stem(x)))
        sixteenth = self.dark4(eighth)
        return eighth, sixteenth, self.dark5(sixteenth)


class Neck(nn.Module):
    """The feature pyramid: information flows from coarse to fine features and back."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c = 4 * WIDTH, 8 * WIDTH, 16 * WIDTH
        self.backbone = Darknet()
        self.lateral_conv0, self.C3_p4 = Conv(c, b, 1), Csp(2 * b, b, 1, adds=False)
        self.reduce_conv1, self.C3_p3 = Conv(b, a, 1), Csp(2 * a, a, 1, adds=False)
        self.bu_conv2, self.C3_n3 = Conv(a, a, 3, 2), Csp(2 * a, b, 1, adds=False)
        self.bu_conv1, self.C3_n4 = Conv(b, b, 3, 2), Csp(2 * b, c, 1, adds=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[N, 3, h, w] → features of the sizes of the backbone's."""
        eighth, sixteenth, coarse = self.backbone(x)
        top = self.lateral_conv0(coarse)
        middle = self.reduce_conv1(self.C3_p4(torch.cat([_upsample(top), sixteenth], 1)))
        fine = self.C3_p3(torch.cat([_upsample(middle), eighth], 1))
        middle = self.C3_n3(torch.cat([self.bu_conv2(fine), middle], 1))
        return fine, middle, self.C3_n4(torch.cat([self.bu_conv1(middle), top], 1))


class Head(nn.Module):
    """One box and the probability of an animal for every position of the three maps."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (4 * WIDTH, 8 * WIDTH, 16 * WIDTH)
        self.stems = nn.ModuleList(Conv(n, HEAD, 1) for n in inputs)
        self.cls_convs, self.reg_convs = (
            nn.ModuleList(nn.Sequential(Conv(HEAD, HEAD, 3), Conv(HEAD, HEAD, 3)) for _ in inputs) for _ in range(2)
        )
        self.cls_preds, self.reg_preds, self.obj_preds = (
            nn.ModuleList(nn.Conv2d(HEAD, n, 1) for _ in inputs) for n in (1, 4, 1)
        )

    def forward(self, maps: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Return boxes and scores, float32 [N, A, 5]: x0, y0, x1, y1 in px of the input, then 0 to 1."""
        return torch.cat([self._decode_boxes(i, x) for i, x in enumerate(maps)], 1)

    def _decode_boxes(self, i: int, x: Tensor) -> Tensor:
        x = self.stems[i](x)
        place, kind = self.reg_convs[i](x), self.cls_convs[i](x)
        box: Tensor = self.reg_preds[i](place)  # [N, 4, h, w]: offset of the centre, log of the size; in strides
        score = self.obj_preds[i](place).sigmoid() * self.cls_preds[i](kind).sigmoid()
        rows, columns = (torch.arange(n, device=x.device, dtype=box.dtype) for n in x.shape[-2:])
        centre_x = (box[:, 0] + columns[None, None, :]) * STRIDES[i]
        centre_y = (box[:, 1] + rows[None, :, None]) * STRIDES[i]
        half_w, half_h = (box[:, k].exp() * (STRIDES[i] / 2) for k in (2, 3))
        corners = (centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h, score[:, 0])
        return torch.stack(corners, -1).flatten(1, 2)  # [N, h · w, 5]


class YoloxTiny(nn.Module):
    """uint8 RGB [N, 3, H, W], H and W multiples of 32 → boxes and scores, float32 [N, A, 5]. No normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.head = Neck(), Head()

    def forward(self, frames: Tensor) -> Tensor:
        """Return x0, y0, x1, y1 in px of the input and a score between 0 and 1 for every position: [N, A, 5]."""
        found: Tensor = self.head(self.backbone(frames.float()))
        return found


def build_yolox_tiny(state: Mapping[str, Tensor]) -> YoloxTiny:
    """Return the network with the tensors of the published checkpoint. Raises RuntimeError unless all fit."""
    model = YoloxTiny()
    model.load_state_dict(dict(state), strict=True)
    return model.eval()


def _upsample(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
